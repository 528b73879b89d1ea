import { z } from 'zod';
import type { XeroSettings } from '../../domain/xero-accounts.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { sql, textArray } from '../sql.ts';

/**
 * Versioned seller details and settings: an invoice references the version it was issued with (ADR 18), and freezes what
 * its due date follows from.
 */

/** What documents show of the seller. */
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

/** When tenants see invoices: from their issue on, or once an operator has released them (docs/spec.md#release). */
export const RELEASE_MODES = ['immediate', 'review'] as const;

/** How the seller's invoices are released, paid and exported. */
export const sellerSettings = z.object({
  release: z.enum(RELEASE_MODES),
  /** From the later of issue and release until the due date. */
  payment_days: z.number(),
  /** Where exports book lines. Validated when it was applied (`src/catalogue/xero-settings.ts`). */
  xero: z.custom<XeroSettings>().nullable(),
});

/** The settings that a file doesn't have to name, and those of an installation without seller details. */
export const DEFAULT_SELLER_SETTINGS: z.infer<typeof sellerSettings> = {
  release: 'immediate',
  payment_days: 14,
  xero: null,
};

const recordedSeller = sellerSchema.extend(sellerSettings.shape);
/** Everything that a version of the seller file says. */
export type RecordedSeller = z.infer<typeof recordedSeller>;

const sellerVersion = recordedSeller.extend({ version: z.number(), recorded_at: z.string() });
export type SellerVersion = z.infer<typeof sellerVersion>;

/** Returns the current version; null if there is none yet. */
export function readSeller(db: Queryable): Promise<SellerVersion | null> {
  return db.maybeOne(sql.type(sellerVersion)`
    SELECT version, legal_name, trading_name, abn::text AS abn, address::text[] AS address, email,
      payment_terms, payment_details, release, payment_days, xero, recorded_at
    FROM seller_details ORDER BY version DESC LIMIT 1
  `);
}

/** Returns where exports of this version of the seller's details book lines; null: not set. */
export function readXeroSettings(db: Queryable, version: number): Promise<XeroSettings | null> {
  return db.oneFirst(sql.type(sellerSettings.pick({ xero: true }))`
    SELECT xero FROM seller_details WHERE version = ${version}
  `);
}

/** Selects what issuing needs of the current seller: always one row, with a null version if there are no details. */
export const CURRENT_SELLER = sql.fragment`
  SELECT max(s.version) AS version,
    coalesce(max(s.release), ${DEFAULT_SELLER_SETTINGS.release}) AS release,
    coalesce(max(s.payment_days), ${DEFAULT_SELLER_SETTINGS.payment_days}) AS payment_days
  FROM (SELECT version, release, payment_days FROM seller_details ORDER BY version DESC LIMIT 1) s`;

export async function insertSeller(
  tx: Transaction,
  version: number,
  seller: RecordedSeller,
): Promise<void> {
  const xero = seller.xero === null ? null : JSON.stringify(seller.xero);
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO seller_details (version, legal_name, trading_name, abn, address, email,
      payment_terms, payment_details, release, payment_days, xero)
    VALUES (${version}, ${seller.legal_name}, ${seller.trading_name}, ${seller.abn},
      ${textArray(seller.address)}, ${seller.email}, ${seller.payment_terms},
      ${textArray(seller.payment_details)}, ${seller.release}, ${seller.payment_days}, ${xero}::jsonb)
  `);
}
