import type { DocumentHeader } from '../db/invoices/invoice-documents.ts';
import type { Seller } from '../db/catalogue/seller-details.ts';

/** An invoice without a seller is none: its documents wait until somebody has said who sells. */
export class NoSellerError extends Error {
  override readonly name = 'NoSellerError';

  constructor() {
    super('it is not known yet who sells: `seller apply FILE` says so');
  }
}

/** @throws NoSellerError */
export function sellerOf({ seller }: DocumentHeader): Seller {
  if (seller === null) throw new NoSellerError();
  return seller;
}
