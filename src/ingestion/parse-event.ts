import type { ZodType } from 'zod';
import { explainIssue, sayOf } from '../lib/explain-issue.ts';
import { toFieldErrors } from './field-errors.ts';
import type { UsageResult } from './results.ts';

export type ParsedEvent<Event> =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly result: UsageResult };

/** Checks one event by itself, so that a bad one doesn't sink its batch. */
export function parseEvent<Event>(schema: ZodType<Event>, event: unknown): ParsedEvent<Event> {
  const parsed = schema.safeParse(event, { error: explainIssue });
  if (parsed.success) return { ok: true, event: parsed.data };
  const errors = toFieldErrors(parsed.error.issues);
  const reason = errors.map(({ pointer, detail }) => sayOf(pointer, detail)).join('; ');
  return { ok: false, result: { status: 'rejected', reason, errors } };
}
