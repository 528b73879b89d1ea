import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import type { Violation } from './standing-checks.ts';

/**
 * What the engine itself has to say of its books at rest, beside the checks that share nothing with
 * it: each month is proved from its raw records, and no manifest has failed to add up.
 * @param months the months that were asked for
 */
export async function ownViolations(
  databaseUrl: string,
  months: readonly string[],
): Promise<readonly Violation[]> {
  const db = await openDatabase({ url: databaseUrl, maxConnections: 2, applicationName: 'verify' });
  try {
    const violations: Violation[] = [];
    for (const month of months) {
      const { checks } = await verifyMonth(db, month);
      violations.push(
        ...checks
          .filter(({ problems }) => problems > 0)
          .map(({ id, invariant, problems, examples }) => ({
            invariant,
            text: `verify ${month}, ${id}: ${problems} (${examples.join('; ')})`,
          })),
      );
    }
    const unbalanced = await db.any(sql.type(z.object({ text: z.string() }))`
      SELECT concat_ws(' ', request_id, manifest ->> 'imbalances') AS text
      FROM month_end_requests WHERE manifest -> 'balanced' IS DISTINCT FROM 'true'::jsonb
    `);
    violations.push(
      ...unbalanced.map(({ text }) => ({
        invariant: 'I5' as const,
        text: `a manifest that doesn't add up: ${text}`,
      })),
    );
    return violations;
  } finally {
    await db.end();
  }
}
