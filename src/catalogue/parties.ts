import { z } from 'zod';
import { isAbn } from '../domain/abn.ts';
import { DEFAULT_SELLER_SETTINGS, RELEASE_MODES } from '../db/catalogue/seller-details.ts';
import { text } from '../ingestion/usage-fields.ts';
import { xeroSettings } from './xero-settings.ts';

/** Seller and buyer details in files and in the API; stored as sent. */

const ABN_HINT = 'expected an ABN: eleven digits whose check digits are right';
/** An ABN, stored without spaces. */
const abn = z
  .string()
  .regex(/^\d[\d ]{10,13}$/, { error: ABN_HINT })
  .transform((value) => value.replaceAll(' ', ''))
  .refine(isAbn, { error: ABN_HINT })
  .meta({ example: '51 824 753 556', pattern: String.raw`^\d[\d ]{10,13}$` });

const address = z
  .array(text(200))
  .min(1)
  .max(6)
  .describe('From the street to the country, a line each.')
  .meta({ example: ['Level 3, 12 Wharf Road', 'Sydney NSW 2000', 'Australia'] });

const email = text(254)
  .regex(/^[^\s@]+@[^\s@]+$/, { error: 'expected an e-mail address' })
  .meta({ example: 'accounts@acme.example' });

/** The buyer details that an invoice shows. */
export const buyerDetails = z
  .strictObject({
    legal_name: text(200).meta({ example: 'Acme Holdings Pty Ltd' }),
    abn: abn.nullable().default(null),
    address: address.nullable().default(null),
    contact: text(200)
      .nullable()
      .default(null)
      .describe('To whose attention.')
      .meta({ example: 'Accounts payable' }),
    email: email.nullable().default(null),
  })
  .describe('The buyer, as later invoices show it.');

/** Days between the release of an invoice and its due date. */
const MAX_PAYMENT_DAYS = 365;

/** The seller details that every invoice shows, and the settings that every invoice follows. */
export const sellerDetails = z.strictObject({
  legal_name: text(200),
  trading_name: text(200).nullable().default(null),
  abn,
  address,
  email: email.nullable().default(null),
  payment_terms: text(500).nullable().default(null),
  payment_details: z.array(text(200)).max(8).default([]),
  release: z.enum(RELEASE_MODES).default(DEFAULT_SELLER_SETTINGS.release),
  payment_days: z.int().min(0).max(MAX_PAYMENT_DAYS).default(DEFAULT_SELLER_SETTINGS.payment_days),
  xero: xeroSettings.nullable().default(DEFAULT_SELLER_SETTINGS.xero),
});
