import pg from 'pg';
import { asSuperuser } from '../../dev/postgres-roles.ts';

/** Makes this the time at which thresholds are set from now on, for tests about other months than the clock's. */
export async function thresholdsAreSetAt(superuserUrl: string, instant: string): Promise<void> {
  await asSuperuser(superuserUrl, (client) =>
    client.query(
      `ALTER TABLE spend_thresholds ALTER set_at SET DEFAULT ${pg.escapeLiteral(instant)}`,
    ),
  );
}
