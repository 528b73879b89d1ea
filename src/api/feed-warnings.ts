import { z } from 'zod';
import type { Remark } from '../feeding/feed-error.ts';
import { toRequestError, type FeedBody } from './feed-problems.ts';

export const warningsSchema = z
  .array(
    z.object({
      pointer: z.string().describe('JSON pointer to what it is about.'),
      detail: z.string(),
    }),
  )
  .meta({
    description: 'Taken in, but month end will park the tenant until it is put right.',
    example: [
      {
        pointer: '/plan',
        detail: 'subscription acme-web-1 has no plan: month end will park tenant acme',
      },
    ],
  });

export function toWarnings(body: FeedBody, remarks: readonly Remark[]) {
  return remarks.map((remark) => {
    const { pointer = '', detail } = toRequestError(body, remark);
    return { pointer, detail };
  });
}
