import { findAddons } from '../db/catalogue.ts';
import { insertPlanVersions, upsertAddons } from '../db/catalogue-feed.ts';
import { takeFeedTurn } from '../db/feed-turn.ts';
import type { Database } from '../db/pool.ts';
import { findPlanVersions } from '../db/quote-inputs.ts';
import { diffCatalogue, planVersionId, type CatalogueChanges } from './catalogue-changes.ts';
import { parseCatalogueFile } from './catalogue-file.ts';
import { FeedError } from './feed-error.ts';
import type { FeedFile } from './parse-feed.ts';

/**
 * Takes a catalogue file in, as a whole or not at all. What the file doesn't name stays.
 * @throws FeedError
 */
export async function applyCatalogue(db: Database, feed: FeedFile): Promise<CatalogueChanges> {
  const file = parseCatalogueFile(feed);
  const versionIds = file.plans.flatMap(({ code, versions }) =>
    versions.map(({ version }) => planVersionId(code, version)),
  );
  const addonCodes = file.addons.map(({ code }) => code);

  return db.transaction(async (tx) => {
    await takeFeedTurn(tx);
    const versions = await findPlanVersions(tx, versionIds);
    const changes = diffCatalogue(file, {
      versions: new Map(versions.map((version) => [version.id, version])),
      addons: await findAddons(tx, addonCodes),
    });
    if (changes.problems.length > 0) throw new FeedError(feed.name, changes.problems);
    await insertPlanVersions(tx, changes.newVersions);
    await upsertAddons(tx, [...changes.newAddons, ...changes.changedAddons]);
    return changes;
  });
}
