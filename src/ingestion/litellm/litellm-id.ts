import { hash } from 'node:crypto';
import { visibleId } from '../../contracts/text.ts';
import { toStartedMs } from './litellm-numbers.ts';
import type { LitellmRequest } from './litellm-request.ts';

type Named = Pick<LitellmRequest, 'callId' | 'id' | 'startTime'>;

const eventId = visibleId(200);

/**
 * Returns the id of a request in the ledger: `litellm:CALL:ANSWER`. Clients can choose the call id, and providers may
 * repeat the ids of their answers, but the two together name a request. Where they are the same, because the provider
 * gave none (embeddings), the start in milliseconds is added. An id that is too long for the ledger, or has characters
 * that it doesn't take, is hashed (docs/spec.md#litellm).
 * @returns null if the event names no request
 */
export function litellmId(request: Named): string | null {
  const names = namesOf(request, 0);
  return names && toId(names);
}

/**
 * Returns the id of the same request if its start is a millisecond too late, as in LiteLLM's own log, which rounds it.
 * @returns null if the id doesn't depend on the start
 */
export function previousLitellmId(request: Named): string | null {
  const names = namesOf(request, -1);
  return names?.length === 3 ? toId(names) : null;
}

function namesOf({ callId, id, startTime }: Named, shiftMs: number): readonly string[] | null {
  const call = callId ?? id;
  const answer = id ?? callId;
  if (call === null || answer === null) return null;
  if (call !== answer) return [call, answer];
  const startedMs = startTime === null ? null : toStartedMs(startTime);
  return startedMs === null ? null : [call, answer, String(startedMs + shiftMs)];
}

function toId(names: readonly string[]): string {
  const id = `litellm:${names.join(':')}`;
  return eventId.safeParse(id).success
    ? id
    : `litellm:sha256:${hash('sha256', JSON.stringify(names))}`;
}
