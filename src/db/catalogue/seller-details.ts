import { z } from 'zod';
import type { Queryable, Transaction } from '../pool.ts';
import { sql, textArray } from '../sql.ts';

/** Versioned seller details: an invoice references the version it was issued with (ADR 18). */

export const sellerSchema = z.object({
  legal_name: z.string(),
  trading_name: z.string().nullable(),
  abn: z.string(),
  address: z.array(z.string()),
  email: z.string().nullable(),
  payment_terms: z.string().nullable(),
  payment_details: z.array(z.string()),
});
export type Seller = z.infer<typeof sellerSchema>;

const sellerVersion = sellerSchema.extend({ version: z.number(), recorded_at: z.string() });
export type SellerVersion = z.infer<typeof sellerVersion>;

/** Returns the current version; null if there is none yet. */
export function readSeller(db: Queryable): Promise<SellerVersion | null> {
  return db.maybeOne(sql.type(sellerVersion)`
    SELECT version, legal_name, trading_name, abn::text AS abn, address::text[] AS address, email,
      payment_terms, payment_details, recorded_at
    FROM seller_details ORDER BY version DESC LIMIT 1
  `);
}

export async function insertSeller(
  tx: Transaction,
  version: number,
  seller: Seller,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO seller_details (version, legal_name, trading_name, abn, address, email,
      payment_terms, payment_details)
    VALUES (${version}, ${seller.legal_name}, ${seller.trading_name}, ${seller.abn},
      ${textArray(seller.address)}, ${seller.email}, ${seller.payment_terms},
      ${textArray(seller.payment_details)})
  `);
}
