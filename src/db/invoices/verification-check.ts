import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/**
 * A check of a month that SQL can make, based on the rawest rows available. It is a query for problems: each row
 * describes one in its column `problem`, as a sentence.
 */
export interface Check {
  /** Stable name. */
  readonly id: string;
  readonly invariant: Invariant;
  /** What is true if the check finds no problem. */
  readonly claim: string;
  readonly problems: ReturnType<typeof sql.fragment>;
}

/** I1 one live invoice · I2 each event once · I3 sums · I4 nothing changes · I5 every due tenant served. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5';

/** Maximum number of problems reported as examples; the rest are only counted. */
const EXAMPLES = 5;

const found = z.object({ problems: z.number(), examples: z.array(z.string()) });
export type FoundProblems = z.infer<typeof found>;

export function findProblems(db: Queryable, check: Check): Promise<FoundProblems> {
  return db.one(sql.type(found)`
    SELECT count(*) AS problems,
      coalesce((array_agg(problem ORDER BY problem))[1:${EXAMPLES}], '{}') AS examples
    FROM (${check.problems}) p
  `);
}
