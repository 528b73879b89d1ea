import { isDeepStrictEqual } from 'node:util';
import { inApplyTurn } from '../db/settings/apply-turn.ts';
import type { Database } from '../db/pool.ts';
import { insertSeller, readSeller, type SellerVersion } from '../db/catalogue/seller-details.ts';
import { parseInputFile, type InputFile } from './input-file.ts';
import { sellerDetails } from './parties.ts';

/**
 * Applies a file with the seller's details: stores a new version if they differ from the current one.
 * Invoices issued from now on show it and follow its settings; earlier invoices keep theirs.
 * @throws ApplyError
 */
export async function applySeller(
  db: Database,
  file: InputFile,
): Promise<{ readonly version: number; readonly isNew: boolean }> {
  const details = parseInputFile(sellerDetails, file);
  return inApplyTurn(db, async (tx) => {
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
