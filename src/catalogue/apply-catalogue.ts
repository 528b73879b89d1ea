import { inFeedTurn } from '../db/catalogue/feed-turn.ts';
import type { Database } from '../db/pool.ts';
import type { CatalogueChanges } from './catalogue-changes.ts';
import { parseCatalogueFile } from './catalogue-file.ts';
import { feedCatalogue } from './feed-catalogue.ts';
import type { FeedFile } from './parse-feed.ts';

/**
 * Takes a catalogue file in, as a whole or not at all. What the file doesn't name stays.
 * @throws FeedError
 */
export async function applyCatalogue(db: Database, feed: FeedFile): Promise<CatalogueChanges> {
  const file = parseCatalogueFile(feed);
  return inFeedTurn(db, (tx) => feedCatalogue(tx, file, { name: feed.name }));
}
