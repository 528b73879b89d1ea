import { isDeepStrictEqual } from 'node:util';
import { normalizeDecimalString } from '../domain/decimal.ts';
import type { PlanVersion, Qty, QuoteAddon } from '../domain/types.ts';
import type { CatalogueAddon, CatalogueFile, CatalogueVersion } from './catalogue-file.ts';
import type { StoredUnit } from '../db/catalogue/units.ts';
import type { Problem } from './apply-error.ts';
import { diffUnits, type UnitChanges } from './unit-changes.ts';

/** The stored units, and the stored versions and addons that the input names. */
export interface CurrentCatalogue {
  /** By code. */
  readonly units: ReadonlyMap<string, StoredUnit>;
  /** By id. */
  readonly versions: ReadonlyMap<string, PlanVersion>;
  readonly addons: ReadonlyMap<string, QuoteAddon>;
}

export interface NamedVersion extends CatalogueVersion {
  readonly id: string;
  readonly code: string;
}

/** The changes that applying a catalogue makes, or the problems that prevent it. */
export interface CatalogueChanges extends UnitChanges {
  readonly newVersions: readonly NamedVersion[];
  readonly unchangedVersions: readonly NamedVersion[];
  readonly newAddons: readonly CatalogueAddon[];
  readonly changedAddons: readonly CatalogueAddon[];
  readonly unchangedAddons: readonly CatalogueAddon[];
}

/** Returns the id that the database generates (`plan_versions.plan_version_id`). */
export function planVersionId(code: string, version: number): string {
  return `${code}-v${version}`;
}

/**
 * Compares a file with the catalogue. An existing version is immutable; an addon may change, because
 * subscriptions hold snapshots.
 */
export function diffCatalogue(file: CatalogueFile, current: CurrentCatalogue): CatalogueChanges {
  const units = diffUnits(file, current.units);
  const problems: Problem[] = [...units.problems];
  const versions = file.plans.flatMap(({ code, versions }, i) =>
    versions.map((version, j) => {
      const named = { ...version, code, id: planVersionId(code, version.version) };
      const known = current.versions.get(named.id);
      if (known && !isDeepStrictEqual(contentOf(named), storedContentOf(known))) {
        problems.push({
          path: ['plans', i, 'versions', j],
          kind: 'conflict',
          message: explainImmutable(named),
        });
      }
      return { named, isNew: known === undefined };
    }),
  );
  const addons = Map.groupBy(file.addons, (addon) => compareAddon(addon, current.addons));
  return {
    ...units,
    newVersions: versions.filter(({ isNew }) => isNew).map(({ named }) => named),
    unchangedVersions: versions.filter(({ isNew }) => !isNew).map(({ named }) => named),
    newAddons: addons.get('new') ?? [],
    changedAddons: addons.get('changed') ?? [],
    unchangedAddons: addons.get('unchanged') ?? [],
    problems,
  };
}

function explainImmutable({ code, version }: NamedVersion): string {
  return (
    `version ${version} of plan ${code} exists with different content and is immutable: ` +
    `create version ${version + 1}`
  );
}

/** The immutable content. The order of items is part of it, because invoice lines have the same order. */
function contentOf({ name, currency, base_price_cents, proration, items }: CatalogueVersion) {
  return { name, currency, base_price_cents, proration, items };
}

function storedContentOf(stored: PlanVersion): ReturnType<typeof contentOf> {
  return {
    name: stored.name ?? null,
    currency: stored.currency,
    base_price_cents: stored.basePriceCents,
    proration: stored.proration,
    items: stored.items.map((item) => ({
      resource_kind: item.resourceKind,
      name: item.name ?? null,
      included_qty: normalize(item.includedQty),
      overage_price_cents: normalize(item.overagePriceCents),
      overage_unit: item.overageUnit,
      hard_cap_qty: normalize(item.hardCapQty),
    })),
  };
}

function compareAddon(
  addon: CatalogueAddon,
  known: CurrentCatalogue['addons'],
): 'new' | 'changed' | 'unchanged' {
  const stored = known.get(addon.code);
  if (stored === undefined) return 'new';
  const isSame =
    (stored.name ?? null) === addon.name &&
    stored.resourceKind === addon.resource_kind &&
    stored.priceCents === addon.price_cents &&
    normalize(stored.qty) === addon.qty;
  return isSame ? 'unchanged' : 'changed';
}

function normalize(qty: Qty | null): string | null {
  return qty === null ? null : normalizeDecimalString(String(qty));
}
