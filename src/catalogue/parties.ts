import { z } from 'zod';
import { isAbn } from '../domain/abn.ts';
import { text } from '../ingestion/usage-fields.ts';

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

/** The seller details that every invoice shows. */
export const sellerDetails = z.strictObject({
  legal_name: text(200),
  trading_name: text(200).nullable().default(null),
  abn,
  address,
  email: email.nullable().default(null),
  payment_terms: text(500).nullable().default(null),
  payment_details: z.array(text(200)).max(8).default([]),
});
