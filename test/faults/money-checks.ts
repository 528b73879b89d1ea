import type pg from 'pg';
import type { Finance } from './finance.ts';
import type { Tenant } from './population.ts';
import { findWrong, type Invariant, type Violation } from './standing-checks.ts';

/** What the finance team remembers of its requests. */
export type Handled = Pick<Finance, 'payments' | 'items' | 'credits' | 'voided' | 'released'>;

/** I6 and I7 at rest: what was acknowledged is on record once, and tenants see released months only. */
export async function moneyViolations(
  client: pg.ClientBase,
  { handled, tenants }: { readonly handled: Handled; readonly tenants: readonly Tenant[] },
): Promise<readonly Violation[]> {
  const found: readonly (readonly [Invariant, string, string | null])[] = [
    ['I6', 'payments that are not what was acknowledged', await otherPayments(client, handled)],
    ['I6', 'items that are not what was acknowledged', await otherItems(client, handled)],
    ['I6', 'credits that are not what was acknowledged', await otherCredits(client, handled)],
    ['I6', 'invoices that were voided and are not void', await notVoid(client, handled)],
    ['I7', 'months that were released and are not', await notReleased(client, handled)],
    ['I7', 'tenants that see something else than what was released', await seen(client, tenants)],
  ];
  return found.flatMap(([invariant, what, text]) =>
    text === null ? [] : [{ invariant, text: `${what}: ${text}` }],
  );
}

function otherPayments(client: pg.ClientBase, { payments }: Handled): Promise<string | null> {
  const sent = [...payments].map(([id, payment]) => ({ id, ...payment }));
  return findWrong(
    client,
    `SELECT id AS who
     FROM jsonb_to_recordset($1::jsonb) AS sent (id text, "tenantId" text, cents bigint)
     FULL JOIN (SELECT payment_id AS id, tenant_id, amount_cents FROM payments) p USING (id)
     WHERE (sent."tenantId", sent.cents) IS DISTINCT FROM (p.tenant_id, p.amount_cents)`,
    [JSON.stringify(sent)],
  );
}

function otherItems(client: pg.ClientBase, { items }: Handled): Promise<string | null> {
  const sent = [...items].map(([id, item]) => ({ id, ...item }));
  return findWrong(
    client,
    `SELECT id AS who
     FROM jsonb_to_recordset($1::jsonb)
       AS sent (id text, "tenantId" text, cents bigint, "isTaxable" boolean, "isWithdrawn" boolean)
     FULL JOIN (
       SELECT item_id AS id, tenant_id, amount_cents, taxable, withdrawn_at IS NOT NULL AS is_withdrawn
       FROM invoice_items
     ) it USING (id)
     WHERE (sent."tenantId", sent.cents, sent."isTaxable", sent."isWithdrawn")
       IS DISTINCT FROM (it.tenant_id, it.amount_cents, it.taxable, it.is_withdrawn)`,
    [JSON.stringify(sent)],
  );
}

function otherCredits(client: pg.ClientBase, { credits }: Handled): Promise<string | null> {
  const sent = [...credits].map(([id, cents]) => ({ id, cents }));
  return findWrong(
    client,
    `SELECT id AS who
     FROM jsonb_to_recordset($1::jsonb) AS sent (id text, cents bigint)
     FULL JOIN (
       SELECT request_id AS id, -subtotal_cents AS credited FROM invoices WHERE note_origin = 'credit'
     ) n USING (id)
     WHERE sent.cents IS DISTINCT FROM n.credited`,
    [JSON.stringify(sent)],
  );
}

function notVoid(client: pg.ClientBase, { voided }: Handled): Promise<string | null> {
  return findWrong(
    client,
    `SELECT id::text AS who FROM unnest($1::uuid[]) id
     FULL JOIN (SELECT invoice_id AS id, status FROM invoices WHERE status = 'void') i USING (id)
     WHERE i.status IS NULL OR NOT id = ANY ($1::uuid[])`,
    [[...voided]],
  );
}

function notReleased(client: pg.ClientBase, { released }: Handled): Promise<string | null> {
  return findWrong(
    client,
    `SELECT id AS who FROM unnest($1::text[]) id
     WHERE NOT EXISTS (SELECT FROM releases r WHERE r.tenant_id = id)`,
    [[...released]],
  );
}

/** Counts, as each tenant, the documents that it can read, and compares them with what is released. */
async function seen(client: pg.ClientBase, tenants: readonly Tenant[]): Promise<string | null> {
  const visible = new Map<string, number>();
  for (const { tenantId } of tenants) {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('role', 'arcadia_tenant', true),
      set_config('arcadia.tenant_id', '${tenantId}', true)`);
    const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM invoices`);
    await client.query('ROLLBACK');
    visible.set(tenantId, rows[0]?.n ?? 0);
  }
  const sent = [...visible].map(([id, documents]) => ({ id, documents }));
  return findWrong(
    client,
    `SELECT id AS who FROM jsonb_to_recordset($1::jsonb) AS seen (id text, documents int)
     WHERE documents <> (
       SELECT count(*) FROM invoices i JOIN releases r USING (tenant_id, period_start)
       WHERE i.tenant_id = id)`,
    [JSON.stringify(sent)],
  );
}
