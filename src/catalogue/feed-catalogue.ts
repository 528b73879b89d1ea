import { findAddons } from '../db/catalogue/catalogue.ts';
import { insertPlanVersions, upsertAddons } from '../db/catalogue/catalogue-feed.ts';
import type { Transaction } from '../db/pool.ts';
import { findPlanVersions } from '../db/invoices/quote-inputs.ts';
import { diffCatalogue, planVersionId, type CatalogueChanges } from './catalogue-changes.ts';
import type { CatalogueFile } from './catalogue-file.ts';
import { FeedError } from './feed-error.ts';
import type { FeedOptions } from './feed-options.ts';

/**
 * Takes plan versions and addons in, as a whole or not at all. What isn't named stays. Within a
 * feed's turn (`inFeedTurn`).
 * @throws FeedError
 */
export async function feedCatalogue(
  tx: Transaction,
  file: CatalogueFile,
  { name = 'the catalogue', dryRun = false }: FeedOptions = {},
): Promise<CatalogueChanges> {
  const versions = await findPlanVersions(
    tx,
    file.plans.flatMap(({ code, versions }) =>
      versions.map(({ version }) => planVersionId(code, version)),
    ),
  );
  const addons = await findAddons(
    tx,
    file.addons.map(({ code }) => code),
  );
  const changes = diffCatalogue(file, {
    versions: new Map(versions.map((version) => [version.id, version])),
    addons,
  });
  if (changes.problems.length > 0) throw new FeedError(name, changes.problems);
  if (!dryRun) {
    await insertPlanVersions(tx, changes.newVersions);
    await upsertAddons(tx, [...changes.newAddons, ...changes.changedAddons]);
  }
  return changes;
}
