import type { LastPass } from '../../db/month-end/last-pass.ts';
import type { UsageTotal } from '../../db/month-end/usage-of-month.ts';
import { Decimal, sumDecimals, toDecimalString } from '../../domain/decimal.ts';
import { project, type Progress } from '../../domain/projection.ts';

/** Usage of a running month of one kind, of all tenants. Exact decimals: minor units of LLM usage, a quantity of metered usage. */
export interface UsageSoFar {
  readonly resourceKind: string;
  /** Null: metered usage. */
  readonly currency: string | null;
  readonly total: string;
  /** At the end of the month, if usage keeps growing as it has so far. */
  readonly projected: string;
  /** Of the whole month before, as of its last pass; null: there was none. */
  readonly lastMonth: string | null;
}

/**
 * Returns usage with its projection, LLM usage first. Kinds that only the month before had are listed too.
 * @param progress of the running month
 */
export function usageSoFar(
  usage: readonly UsageTotal[],
  progress: Progress,
  lastPass: LastPass | null,
): readonly UsageSoFar[] {
  const before = new Map(
    (lastPass?.usage ?? []).map((row) => [
      keyOf(row),
      { ...row, counted: toDecimalString(new Decimal(row.total).minus(excludedOf(row))) },
    ]),
  );
  const now = new Map(usage.map((row) => [keyOf(row), row]));
  return [...new Set([...now.keys(), ...before.keys()])]
    .map((key) => {
      const [current, last] = [now.get(key), before.get(key)];
      const total = current?.total ?? '0';
      return {
        resourceKind: (current ?? last)?.resource_kind ?? '',
        currency: (current ?? last)?.currency ?? null,
        total,
        projected: toDecimalString(project(new Decimal(total), progress)),
        lastMonth: last?.counted ?? null,
      };
    })
    .sort(byKind);
}

function keyOf(row: Pick<UsageTotal, 'resource_kind' | 'currency'>): string {
  return JSON.stringify([row.currency, row.resource_kind]);
}

function excludedOf({ places }: LastPass['usage'][number]): Decimal {
  return sumDecimals(
    places.filter((place) => place.class === 'excluded').map(({ total }) => new Decimal(total)),
  );
}

function byKind(a: UsageSoFar, b: UsageSoFar): number {
  if ((a.currency === null) !== (b.currency === null)) return a.currency === null ? 1 : -1;
  return keyText(a) < keyText(b) ? -1 : 1;
}

function keyText({ currency, resourceKind }: UsageSoFar): string {
  return `${currency ?? ''} ${resourceKind}`;
}
