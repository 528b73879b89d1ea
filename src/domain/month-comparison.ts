import { linesInEffect } from './adjustment.ts';
import { causesOf, type Cause } from './change-causes.ts';
import { sumCents } from './cents.ts';
import { purposeOf, type PlacedLine, type UnplacedLine } from './line-changes.ts';
import type { Month } from './period.ts';

/** Why an invoice is higher or lower than another month's (docs/spec.md#comparing-months). */

/** What a tenant was charged for a month. */
export interface ChargedMonth {
  readonly month: Month;
  /** The lines of the invoice, then those of each of its adjustment notes in order. */
  readonly documents: readonly (readonly PlacedLine[])[];
}

/** A charge in both months, tax and credits included. */
export interface ChargeChange {
  /** The lines of the charge, notes included; empty if the month doesn't have it. At least one month has it. */
  readonly before: readonly UnplacedLine[];
  readonly after: readonly UnplacedLine[];
  readonly beforeCents: number;
  readonly afterCents: number;
  readonly differenceCents: number;
  /** Empty if the amounts are equal. */
  readonly causes: readonly Cause[];
}

export interface MonthComparison {
  readonly beforeMonth: Month;
  readonly afterMonth: Month;
  /** With the adjustment notes. */
  readonly beforeCents: number;
  readonly afterCents: number;
  readonly differenceCents: number;
  /** Largest difference first, whether up or down; charges that did not change last. They add up to the difference. */
  readonly changes: readonly ChargeChange[];
}

/**
 * Compares what two months charged, line by line. Both are in one currency.
 * @throws DomainError `amount_out_of_range`
 */
export function compareMonths(before: ChargedMonth, after: ChargedMonth): MonthComparison {
  const [old, now] = [before, after].map(toCharges) as [Charges, Charges];
  const [oldDeployments, deployments] = [old, now].map(deploymentsOf) as [Names, Names];
  const keys = new Set([...now.keys(), ...old.keys()]);
  const changes = [...keys].map((key): ChargeChange => {
    const [was, is] = [old.get(key) ?? [], now.get(key) ?? []];
    const amounts = differenceOf(was, is);
    const causes =
      amounts.differenceCents === 0
        ? []
        : causesOf(
            { month: before.month, lines: was, deployments: oldDeployments },
            { month: after.month, lines: is, deployments },
          );
    return { before: was, after: is, ...amounts, causes };
  });
  return {
    ...{ beforeMonth: before.month, afterMonth: after.month },
    ...differenceOf([...old.values()].flat(), [...now.values()].flat()),
    changes: changes.toSorted((a, b) => Math.abs(b.differenceCents) - Math.abs(a.differenceCents)),
  };
}

/** The lines of a month by charge. */
type Charges = ReadonlyMap<string, readonly UnplacedLine[]>;
type Names = ReadonlySet<string | null>;

/** Adds the notes of reruns to the lines that they adjust. What has no usual line (items, credits, tax) stays apart. */
function toCharges({ documents }: ChargedMonth): Charges {
  const isAdjustable = ({ kind, deploymentId }: PlacedLine): boolean =>
    deploymentId !== null && kind !== 'credit';
  const [invoice = [], ...notes] = documents.map((lines) => lines.filter(isAdjustable));
  const lines = notes.length === 0 ? invoice : linesInEffect([invoice, ...notes]);
  return Map.groupBy<string, UnplacedLine>(
    [...lines, ...documents.flat().filter((line) => !isAdjustable(line))],
    chargeOf,
  );
}

/** Returns the key of a line's charge. A document has one tax, whatever its rate. */
function chargeOf(line: UnplacedLine): string {
  return line.kind === 'tax' ? line.kind : purposeOf(line);
}

function deploymentsOf(charges: Charges): Names {
  return new Set([...charges.values()].flat().map(({ deploymentId }) => deploymentId));
}

function differenceOf(before: readonly UnplacedLine[], after: readonly UnplacedLine[]) {
  const [beforeCents, afterCents] = [before, after].map((lines) =>
    sumCents(lines.map(({ amountCents }) => amountCents)),
  ) as [number, number];
  return { beforeCents, afterCents, differenceCents: sumCents([afterCents, -beforeCents]) };
}
