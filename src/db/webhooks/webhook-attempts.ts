import { z } from 'zod';
import { type Page, allOf, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';

/** An attempt to deliver an event, as the API serves it. */
export const webhookAttemptSchema = z.object({
  attempt_id: z.int(),
  event_id: z
    .uuid()
    .meta({ example: '3f2504e0-4f89-41d3-9a0c-0305e82c3301' })
    .describe('The webhook-id of the request.'),
  type: z.string().meta({ example: 'invoice.issued' }),
  endpoint_id: z.uuid(),
  attempt: z.int().describe('Counted from 1 on; again from 1 after a replay.'),
  attempted_at: z.iso.datetime(),
  duration_ms: z.int(),
  outcome: z.enum(['delivered', 'failed']).meta({ example: 'failed' }),
  status: z.int().nullable().meta({ example: 500 }).describe('Null where there was no answer.'),
  error: z.string().nullable().meta({ example: 'answered 500' }),
  response: z.string().nullable().describe('The beginning of the answer, up to 1 KiB.'),
  state: z
    .enum(['pending', 'delivered', 'dead'])
    .describe('How the delivery stands now; dead: given up.'),
  next_attempt_at: z.iso.datetime().nullable(),
});
export type LoggedWebhookAttempt = z.infer<typeof webhookAttemptSchema>;

export interface AttemptFilters {
  readonly endpointId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly outcome?: 'delivered' | 'failed' | undefined;
}

/** Returns a page of attempts, latest first. The cursor is an attempt_id. */
export function listWebhookAttempts(
  db: Queryable,
  { endpointId, eventId, outcome }: AttemptFilters,
  { after, limit }: Page<number>,
): Promise<readonly LoggedWebhookAttempt[]> {
  return db.any(sql.type(webhookAttemptSchema)`
    SELECT a.attempt_id, a.event_id, v.type, a.endpoint_id, a.attempt, a.attempted_at,
      a.duration_ms, a.outcome, a.status, a.error, a.response, d.state, d.next_attempt_at
    FROM webhook_attempts a
    JOIN webhook_events v USING (event_id)
    JOIN webhook_deliveries d USING (event_id, endpoint_id)
    WHERE ${allOf([
      endpointId !== undefined && sql.fragment`a.endpoint_id = ${endpointId}::uuid`,
      eventId !== undefined && sql.fragment`a.event_id = ${eventId}::uuid`,
      outcome !== undefined && sql.fragment`a.outcome = ${outcome}`,
      after !== null && sql.fragment`a.attempt_id < ${after}`,
    ])}
    ORDER BY a.attempt_id DESC LIMIT ${limit}
  `);
}
