import { z } from 'zod';
import { sql } from '../sql.ts';

/** What a request for a month says of itself, in the form in which it is shown. */
export const requestFacts = z.object({
  request_id: z.string(),
  kind: z.enum(['run', 'force']),
  state: z.enum(['queued', 'running', 'finished']),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
  requested_at: z.string(),
  finished_at: z.string().nullable(),
  /** Whether the books added up when it was served; null where it isn't, or was before there was a check. */
  balanced: z.boolean().nullable(),
});

/** Its columns, of `month_end_requests r`. */
export const REQUEST_FACTS = sql.fragment`
  r.request_id, r.kind, r.state, r.actor, r.reason, r.requested_at, r.finished_at,
  (r.manifest ->> 'balanced')::boolean AS balanced`;
