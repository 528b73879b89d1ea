import { asSuperuser } from '../../dev/postgres-roles.ts';

/**
 * Moves the issue and the release of an invoice's month back by days, as if that time had passed. Only a superuser can,
 * and the invoice no longer matches its digest.
 */
export async function backdate(superuserUrl: string, number: string, days: number): Promise<void> {
  await asSuperuser(superuserUrl, (client) =>
    client.query(`
      SET session_replication_role = replica;
      UPDATE invoices SET issued_on = issued_on - ${days} WHERE number = '${number}';
      UPDATE releases SET released_on = released_on - ${days}
        WHERE (tenant_id, period_start) =
          (SELECT tenant_id, period_start FROM invoices WHERE number = '${number}')`),
  );
}
