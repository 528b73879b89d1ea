import { TEMPORAL_DATABASES } from '../../dev/temporal-cluster-settings.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';

/** What production's Temporal server has committed and stored. */
export interface TemporalStorage {
  readonly commits: number;
  /** Size of the database of histories, timers and task queues. */
  readonly historyBytes: number;
  /** Size of the index by which workflows are found. */
  readonly visibilityBytes: number;
}

/** Reads it from the server's PostgreSQL, whose sessions report their commits at most a second later. */
export function readTemporalStorage(superuserUrl: string): Promise<TemporalStorage> {
  const { default: history, visibility } = TEMPORAL_DATABASES;
  return asSuperuser(superuserUrl, async (client) => {
    const { rows } = await client.query<Record<keyof TemporalStorage, string>>(
      `SELECT (SELECT sum(xact_commit) FROM pg_stat_database WHERE datname IN ($1, $2)) AS commits,
         pg_database_size($1) AS "historyBytes", pg_database_size($2) AS "visibilityBytes"`,
      [history, visibility],
    );
    const [row] = rows;
    return {
      commits: Number(row?.commits),
      historyBytes: Number(row?.historyBytes),
      visibilityBytes: Number(row?.visibilityBytes),
    };
  });
}

/** Returns what the server has committed and stored while `work` ran. */
export async function storageOf<T>(
  superuserUrl: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly used: TemporalStorage }> {
  const before = await readTemporalStorage(superuserUrl);
  const result = await work();
  const after = await readTemporalStorage(superuserUrl);
  return {
    result,
    used: {
      commits: after.commits - before.commits,
      historyBytes: after.historyBytes - before.historyBytes,
      visibilityBytes: after.visibilityBytes - before.visibilityBytes,
    },
  };
}
