import { z } from 'zod';

/** What came of the things of one kind that a feed names. */
export const changeCounts = z
  .object({ new: z.int(), changed: z.int(), unchanged: z.int() })
  .meta({ example: { new: 1, changed: 0, unchanged: 27 } });
