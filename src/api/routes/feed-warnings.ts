import { z } from 'zod';
import type { Remark } from '../../catalogue/feed-error.ts';
import { toRequestError, type FeedBody } from './feed-problems.ts';

export const warningsSchema = z
  .array(
    z.object({
      pointer: z.string().describe('JSON pointer to what it is about.'),
      detail: z.string(),
    }),
  )
  .meta({
    description:
      'Accepted, but month end will park the tenant until it is put right; or a month that is invoiced or ' +
      'closed is no longer billed as the subscriptions say, which takes a re-run.',
    example: [
      {
        pointer: '/plan',
        detail: 'subscription acme-web-1 has no plan: month end will park tenant acme',
      },
      {
        pointer: '/ends_at',
        detail:
          'subscription acme-web-1 is not in force at the end of 2026-05 any more, and invoice ' +
          'acme-000001 bills it: look at it (month-end preview 2026-05 --tenant acme --lines) and force a re-run',
      },
    ],
  });

export function toWarnings(body: FeedBody, remarks: readonly Remark[]) {
  return remarks.map((remark) => {
    const { pointer = '', detail } = toRequestError(body, remark);
    return { pointer, detail };
  });
}
