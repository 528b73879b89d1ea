import { z } from 'zod';
import type { Queryable, Transaction } from '../pool.ts';
import { jsonRows, sql, textArray } from '../sql.ts';

/** Versioned buyer details: an invoice references the version it was issued with (ADR 18). */

export const buyerSchema = z.object({
  legal_name: z.string(),
  abn: z.string().nullable(),
  address: z.array(z.string()).nullable(),
  contact: z.string().nullable(),
  email: z.string().nullable(),
});

const storedBuyer = z.object({ tenantId: z.string(), version: z.number(), details: buyerSchema });
export type StoredBuyer = z.infer<typeof storedBuyer>;

/** The columns of `buyer_details b` as one JSON object. */
export const BUYER_AS_JSON = sql.fragment`jsonb_build_object('legal_name', b.legal_name, 'abn', b.abn,
  'address', b.address, 'contact', b.contact, 'email', b.email)`;

/** Returns the current details of these tenants; tenants without details are left out. */
export function findBuyers(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly StoredBuyer[]> {
  return db.any(sql.type(storedBuyer)`
    SELECT DISTINCT ON (b.tenant_id) b.tenant_id AS "tenantId", b.version, ${BUYER_AS_JSON} AS details
    FROM buyer_details b WHERE b.tenant_id = ANY (${textArray(tenantIds)})
    ORDER BY b.tenant_id, b.version DESC
  `);
}

const buyerVersion = buyerSchema.extend({ version: z.number(), recorded_at: z.string() });
/** A version of a tenant's buyer details. */
export type BuyerVersion = z.infer<typeof buyerVersion>;

/** Returns a tenant's latest versions, the current one first. */
export function listBuyerVersions(
  db: Queryable,
  tenantId: string,
  limit: number,
): Promise<readonly BuyerVersion[]> {
  return db.any(sql.type(buyerVersion)`
    SELECT version, recorded_at, legal_name, abn, address, contact, email
    FROM buyer_details WHERE tenant_id = ${tenantId} ORDER BY version DESC LIMIT ${limit}
  `);
}

export async function insertBuyers(tx: Transaction, buyers: readonly StoredBuyer[]): Promise<void> {
  if (buyers.length === 0) return;
  const rows = buyers.map(({ tenantId, version, details }) => ({ tenantId, version, ...details }));
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO buyer_details (tenant_id, version, legal_name, abn, address, contact, email)
    SELECT "tenantId", version, legal_name, abn, address, contact, email
    FROM json_to_recordset(${jsonRows(rows)}) AS b ("tenantId" text, version int, legal_name text,
      abn text, address text[], contact text, email text)
  `);
}
