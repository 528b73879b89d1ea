import { inApplyTurn } from '../db/settings/apply-turn.ts';
import type { Database, Transaction } from '../db/pool.ts';
import { type CatalogueChanges, diffCatalogue, planVersionId } from './catalogue-changes.ts';
import { parseCatalogueFile, type CatalogueFile } from './catalogue-file.ts';
import type { InputFile } from './input-file.ts';
import { findAddons, findPlanVersions } from '../db/catalogue/catalogue.ts';
import { insertPlanVersions, upsertAddons } from '../db/catalogue/write-catalogue.ts';
import { insertUnits, readUnits } from '../db/catalogue/units.ts';
import { ApplyError } from './apply-error.ts';

/**
 * Applies a catalogue file, all or nothing. Plan versions and addons that the file doesn't name stay.
 * @throws ApplyError
 */
export async function applyCatalogueFile(
  db: Database,
  input: InputFile,
): Promise<CatalogueChanges> {
  const file = parseCatalogueFile(input);
  return inApplyTurn(db, (tx) => applyCatalogue(tx, file, { name: input.name }));
}

export interface ApplyOptions {
  /** The name of the input in messages, such as its file name. */
  readonly name?: string;
  /** Validates and compares everything, and writes nothing. */
  readonly dryRun?: boolean;
}

/**
 * Applies units, plan versions and addons, all or nothing. Those that aren't named stay. Call it inside `inApplyTurn`.
 * @throws ApplyError
 */
export async function applyCatalogue(
  tx: Transaction,
  file: CatalogueFile,
  { name = 'the catalogue', dryRun = false }: ApplyOptions = {},
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
    units: await readUnits(tx),
    versions: new Map(versions.map((version) => [version.id, version])),
    addons,
  });
  if (changes.problems.length > 0) throw new ApplyError(name, changes.problems);
  if (!dryRun) {
    await insertUnits(tx, changes.newUnits);
    await insertPlanVersions(tx, changes.newVersions);
    await upsertAddons(tx, [...changes.newAddons, ...changes.changedAddons]);
  }
  return changes;
}
