import { findLostRuns } from '../../audit/lost-runs.ts';
import { judgeLostRun } from '../../audit/watchdog-report.ts';
import { readMonthRuns } from '../../temporal/month-runs.ts';
import { withDatabase, withTemporal, type Environment } from '../environment.ts';
import { adviceFor, checkThat, ok, problem, unknown, type Check } from './doctor-check.ts';

const NAME = 'runs';
/** The checks that must have passed: only a worker can answer for a month's workflow. */
const NEEDED = ['migrations', 'temporal', 'worker'];

/**
 * Checks that the database and Temporal have the same requests for all months. They don't if one was restored.
 * @param found the checks of both servers
 */
export async function checkRuns(
  env: Environment,
  found: readonly Check[],
): Promise<readonly Check[]> {
  const passed = new Set(found.flatMap(({ name, state }) => (state === 'ok' ? name : [])));
  if (!NEEDED.every((name) => passed.has(name))) {
    return [unknown(NAME, 'not checked: it needs an up-to-date database, Temporal and a worker')];
  }
  return checkThat(NAME, async () => {
    const lost = await withDatabase(env, (db) =>
      withTemporal(env, ({ client }) =>
        findLostRuns(db, (months) => readMonthRuns(client, months)),
      ),
    );
    if (lost.length === 0) return [ok(NAME, 'the database and Temporal have the same requests')];
    return lost
      .flatMap(judgeLostRun)
      .map((finding) => problem(NAME, finding.detail, adviceFor(finding)));
  });
}
