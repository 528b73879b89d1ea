import { z } from 'zod';
import type { BilledDeployment } from '../../domain/service-days.ts';
import type { Queryable } from '../pool.ts';
import { sql, uuidArray } from '../sql.ts';

/**
 * What issued invoices were composed from, besides the usage that they hold: their deployments with the billed
 * subscriptions, days and addons. Stored with the invoice and covered by its digest.
 */

const row = z.object({
  invoiceId: z.string(),
  // Written by our own statement from the domain's types. Not validated again.
  deployments: z.custom<readonly BilledDeployment[]>((value) => Array.isArray(value)),
});

/** Returns the compositions of invoices, by invoice id: their deployments in order. */
export async function readCompositions(
  db: Queryable,
  invoiceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly BilledDeployment[]>> {
  const rows = await db.any(sql.type(row)`
    SELECT invoice_id AS "invoiceId", deployments FROM invoice_compositions
    WHERE invoice_id = ANY(${uuidArray(invoiceIds)}) ORDER BY invoice_id, part
  `);
  return new Map(
    [...Map.groupBy(rows, ({ invoiceId }) => invoiceId)].map(([invoiceId, parts]) => [
      invoiceId,
      parts.flatMap(({ deployments }) => deployments),
    ]),
  );
}
