import { isDeepStrictEqual } from 'node:util';
import type { StoredUnit } from '../db/catalogue/units.ts';
import { LINE_UNITS, type Unit } from '../domain/units.ts';
import type { Problem } from './apply-error.ts';
import type { CatalogueFile } from './catalogue-file.ts';

/** The units that a catalogue adds, or the problems that prevent it. */
export interface UnitChanges {
  readonly newUnits: readonly Unit[];
  readonly unchangedUnits: readonly Unit[];
  readonly problems: readonly Problem[];
}

/** The maximum number of units that a message lists. */
const MAX_LISTED = 50;

/**
 * Compares the units of a file with the stored ones, and the units of its plans with both. A unit is immutable,
 * because invoices were computed with its factor.
 */
export function diffUnits(
  file: CatalogueFile,
  stored: ReadonlyMap<string, StoredUnit>,
): UnitChanges {
  const units = file.units.map((unit) => ({
    code: unit.code,
    factor: unit.factor,
    label: unit.label,
    labelPlural: unit.label_plural,
  }));
  const isNew = ({ code }: Unit) => !stored.has(code);
  return {
    newUnits: units.filter(isNew),
    unchangedUnits: units.filter((unit) => !isNew(unit)),
    problems: [...problemsOfUnits(units, stored), ...problemsOfPlans(file, units, stored)],
  };
}

function problemsOfUnits(
  units: readonly Unit[],
  stored: ReadonlyMap<string, StoredUnit>,
): readonly Problem[] {
  const byLowerCase = new Map(
    [...LINE_UNITS, ...stored.keys()].map((code) => [code.toLowerCase(), code]),
  );
  return units.flatMap((unit, index): Problem | [] => {
    const { code } = unit;
    const alike = byLowerCase.get(code.toLowerCase());
    byLowerCase.set(code.toLowerCase(), code);
    const known = stored.get(code);
    if (known && known.label !== null) {
      return isDeepStrictEqual(known, unit)
        ? []
        : { path: ['units', index], kind: 'conflict', message: explainImmutable(known) };
    }
    if (alike === undefined) return [];
    const path = ['units', index, 'code'];
    return alike === code
      ? { path, kind: 'invalid', message: `unit ${code} is built in: choose another code` }
      : { path, kind: 'invalid', message: `unit ${code} differs from ${alike} only by case` };
  });
}

function explainImmutable({ code, factor, label, labelPlural }: StoredUnit): string {
  const words =
    JSON.stringify(label) + (labelPlural === null ? '' : `, ${JSON.stringify(labelPlural)}`);
  return (
    `unit ${code} exists with factor ${factor} and label ${words} and is immutable: ` +
    'define a unit with another code'
  );
}

function problemsOfPlans(
  { plans }: CatalogueFile,
  units: readonly Unit[],
  stored: ReadonlyMap<string, StoredUnit>,
): readonly Problem[] {
  const known = new Set([...stored.keys(), ...units.map(({ code }) => code)]);
  return plans.flatMap(({ code, versions }, i) =>
    versions.flatMap(({ items }, j) =>
      items.flatMap(({ overage_unit: unit }, k): Problem | [] => {
        if (unit === null || known.has(unit)) return [];
        const path = ['plans', i, 'versions', j, 'items', k, 'overage_unit'];
        return { path, kind: 'invalid', message: explainUnknown(code, unit, [...known]) };
      }),
    ),
  );
}

function explainUnknown(planCode: string, unit: string, known: readonly string[]): string {
  const listed = known.slice(0, MAX_LISTED).join(', ') + (known.length > MAX_LISTED ? ', …' : '');
  return (
    `plan ${planCode} names the unit ${JSON.stringify(unit)}, which is not defined: ` +
    `expected one of ${listed}, or another unit that the catalogue defines under "units"`
  );
}
