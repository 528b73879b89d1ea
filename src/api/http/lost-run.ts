import { describeLostRun, findLostRun } from '../../audit/lost-runs.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Month } from '../../domain/period.ts';
import { TemporalUnavailableError, type MonthEndPort } from './month-end-port.ts';

/**
 * Returns what is lost of the month's requests because the database or Temporal was restored, in sentences with the
 * command that has them served; `not answering` if Temporal or the month's workflow can't be asked.
 */
export async function readLostRun(
  db: Queryable,
  port: MonthEndPort | null,
  month: Month,
): Promise<readonly string[] | 'not answering'> {
  if (port === null) return 'not answering';
  try {
    const lost = await findLostRun(db, () => port.run(month));
    return lost === 'not answering' ? lost : describeLostRun(lost);
  } catch (error) {
    if (error instanceof TemporalUnavailableError) return 'not answering';
    throw error;
  }
}
