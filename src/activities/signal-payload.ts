import type { z } from 'zod';
import type { AcceptRequestResult } from '../contracts/activity-types.ts';
import { explainIssue, sayOf } from '../lib/explain-issue.ts';
import { isUndecodable } from '../temporal/payload-converter.ts';

const MAX_REASON_LENGTH = 300;
/** Refused tenants that are listed one by one; the API lists all of them. */
const MAX_REFUSALS = 10;

/** Validates what a signal brought. It may be anything: an operator may have typed it. */
export function parsePayload<T>(
  schema: z.ZodType<T>,
  payload: unknown,
): { readonly data: T } | { readonly reason: string } {
  if (isUndecodable(payload)) {
    return {
      reason: `the payload can't be decoded (${payload.undecodable}): send JSON with the encoding json/plain`,
    };
  }
  const parsed = schema.safeParse(payload ?? undefined, { error: explainIssue });
  if (parsed.success) return { data: parsed.data };
  const explained = parsed.error.issues.map(({ path, message }) => sayOf(path.join('.'), message));
  return { reason: `the payload is not valid: ${explained.join('; ')}` };
}

/**
 * Returns the request id of a signal without one. It includes a hash of the content: after a reset that leaves out
 * signals, another signal may have the same position.
 * @param contentHash in hex
 */
export function idOfSignal(signalId: string, contentHash: string): string {
  return `${signalId}:${contentHash.slice(0, 8)}`;
}

/** Cuts the reason, which may quote the payload, to keep the workflow's history small. */
export function refuse(reason: string): Extract<AcceptRequestResult, { accepted: false }> {
  return { accepted: false, reason: reason.slice(0, MAX_REASON_LENGTH) };
}

/** Returns the first refusals, cut, and the number of the others. */
export function shortened(refusals: readonly string[], requestId: string): readonly string[] {
  const more = refusals.length - MAX_REFUSALS;
  return [
    ...refusals.slice(0, MAX_REFUSALS).map((refusal) => refusal.slice(0, MAX_REASON_LENGTH)),
    ...(more > 0 ? [`and ${more} more tenants of request ${requestId}`] : []),
  ];
}
