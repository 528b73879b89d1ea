import { z } from 'zod';

/** How the Xero export maps lines: account codes and tax names. Stored with the seller's details, as sent. */
export const xeroSettings = z.record(z.string(), z.unknown());
