import { isDeepStrictEqual } from 'node:util';
import { inFeedTurn } from '../db/catalogue/feed-turn.ts';
import type { Database } from '../db/pool.ts';
import { insertSeller, readSeller, type SellerVersion } from '../db/catalogue/seller-details.ts';
import { parseFeed, type FeedFile } from './parse-feed.ts';
import { sellerDetails } from './parties.ts';

/**
 * Takes in a file with the seller's details: a new version, where it says anything new. Invoices that
 * are issued from now on have it; those of before keep theirs.
 * @throws FeedError
 */
export async function applySeller(
  db: Database,
  file: FeedFile,
): Promise<{ readonly version: number; readonly isNew: boolean }> {
  const details = parseFeed(sellerDetails, file);
  return inFeedTurn(db, async (tx) => {
    const current = await readSeller(tx);
    if (current !== null && isDeepStrictEqual(detailsOf(current), details)) {
      return { version: current.version, isNew: false };
    }
    const version = (current?.version ?? 0) + 1;
    await insertSeller(tx, version, details);
    return { version, isNew: true };
  });
}

function detailsOf({ version: _version, recorded_at: _recordedAt, ...details }: SellerVersion) {
  return details;
}
