import { hash } from 'node:crypto';
import { visibleId } from '../../contracts/text.ts';
import { toStarted } from './litellm-numbers.ts';
import type { LitellmRequest } from './litellm-request.ts';

const eventId = visibleId(200);

/**
 * Returns the id of a request in the ledger: `litellm:CALL:ANSWER`. Clients can choose the call id, and providers may
 * repeat the ids of their answers, but the two together name a request. Where they are the same, because the provider
 * gave none (embeddings), the start is added, rounded to the millisecond as in LiteLLM's own log. An id that is too
 * long for the ledger, or has characters that it doesn't take, is hashed (docs/spec.md#litellm).
 * @returns null if the event names no request
 */
export function litellmId({
  callId,
  id,
  startTime,
}: Pick<LitellmRequest, 'callId' | 'id' | 'startTime'>): string | null {
  const call = callId ?? id;
  const answer = id ?? callId;
  if (call === null || answer === null) return null;
  if (call !== answer) return toId([call, answer]);
  const started = startTime === null ? null : toStarted(startTime);
  return started && toId([call, answer, String(started.roundedMs)]);
}

function toId(names: readonly string[]): string {
  const id = `litellm:${names.join(':')}`;
  return eventId.safeParse(id).success
    ? id
    : `litellm:sha256:${hash('sha256', JSON.stringify(names))}`;
}
