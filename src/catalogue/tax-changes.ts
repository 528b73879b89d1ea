import { Decimal } from '../domain/decimal.ts';
import type { Month } from '../domain/period.ts';
import type {
  StoredAssignment,
  StoredExchangeRate,
  StoredRegistration,
  StoredTreatment,
} from '../db/tax/tax-data.ts';
import type { Problem } from './apply-error.ts';
import type {
  SentAssignment,
  SentExchangeRate,
  SentRegistration,
  SentTreatment,
  TaxFile,
} from './tax-file.ts';

/** An entry of an input, with the path to it. */
export type Placed<Entry> = Entry & { readonly path: readonly PropertyKey[] };

/** Tax data to apply, from a tax file or from the tenants of a subscriptions file. */
export interface PlacedTax {
  readonly treatments: readonly Placed<SentTreatment>[];
  readonly assignments: readonly Placed<SentAssignment>[];
  readonly registrations: readonly Placed<SentRegistration>[];
  readonly exchangeRates: readonly Placed<SentExchangeRate>[];
}

/** What is stored of everything that the input names. */
export interface CurrentTax {
  /** The current month. */
  readonly now: Month;
  readonly tenantIds: ReadonlySet<string>;
  readonly treatments: readonly StoredTreatment[];
  readonly assignments: readonly StoredAssignment[];
  readonly registrations: readonly StoredRegistration[];
  readonly exchangeRates: readonly StoredExchangeRate[];
}

/** The rows of one kind that applying an input adds. */
export interface Added<Row> {
  readonly created: readonly Row[];
  /** Corrections of rows for the same month. */
  readonly corrected: readonly Row[];
  readonly unchanged: number;
}

export interface TaxChanges {
  readonly treatments: Added<StoredTreatment>;
  readonly assignments: Added<StoredAssignment>;
  readonly registrations: Added<StoredRegistration>;
  readonly exchangeRates: Added<StoredExchangeRate>;
  readonly problems: readonly Problem[];
}

/** Returns the entries of a tax file with their paths. */
export function placeTaxFile(file: TaxFile): PlacedTax {
  const place = <Entry>(name: string, entries: readonly Entry[]): readonly Placed<Entry>[] =>
    entries.map((entry, index) => ({ ...entry, path: [name, index] }));
  return {
    treatments: place('treatments', file.treatments),
    assignments: place('assignments', file.assignments),
    registrations: place('gst_registrations', file.gst_registrations),
    exchangeRates: place('exchange_rates', file.exchange_rates),
  };
}

/** Compares tax data with what is stored. */
export function diffTax(sent: PlacedTax, current: CurrentTax): TaxChanges {
  const problems: Problem[] = [
    ...invalidAssignments(sent, current),
    ...invalidRates(sent, current),
  ];
  return {
    treatments: diffTreatments(sent.treatments, current.treatments, problems),
    assignments: diffByMonth(
      sent.assignments,
      current.assignments,
      {
        toRow: ({ tenant_id: tenantId, from, treatment }) => ({ tenantId, from, treatment }),
        keyOf: ({ tenantId, from }) => `${tenantId} ${from}`,
        isSame: (one, other) => one.treatment === other.treatment,
        explain: ({ tenantId, from, treatment }) =>
          `tenant ${tenantId} already has tax treatment ${treatment} from ${from} on`,
      },
      problems,
    ),
    registrations: diffByMonth(
      sent.registrations,
      current.registrations,
      {
        toRow: ({ from, registered }) => ({ from, registered }),
        keyOf: ({ from }) => from,
        isSame: (one, other) => one.registered === other.registered,
        explain: ({ from, registered }) =>
          `the seller is already recorded as ${registered ? '' : 'not '}registered for GST from ${from} on`,
      },
      problems,
    ),
    exchangeRates: diffByMonth(
      sent.exchangeRates,
      current.exchangeRates,
      {
        toRow: ({ from, to, month, rate, source }) => ({ from, to, month, rate, source }),
        keyOf: ({ from, to, month }) => `${from} ${to} ${month}`,
        isSame: (one, other) => isSameNumber(one.rate, other.rate) && one.source === other.source,
        explain: ({ from, to, month, rate, source }) =>
          `the exchange rate from ${from} to ${to} of ${month} is already recorded as ${rate} (${source})`,
      },
      problems,
    ),
    problems,
  };
}

/** A treatment is immutable, so another content of a known code is a problem. */
function diffTreatments(
  sent: PlacedTax['treatments'],
  stored: readonly StoredTreatment[],
  problems: Problem[],
): Added<StoredTreatment> {
  const known = new Map(stored.map((one) => [one.code, one]));
  const created: StoredTreatment[] = [];
  for (const { path, ...treatment } of sent) {
    const same = known.get(treatment.code);
    if (same === undefined) created.push(treatment);
    else if (
      same.label !== treatment.label ||
      same.note !== treatment.note ||
      !isSameNumber(same.rate, treatment.rate)
    ) {
      const message = `tax treatment ${treatment.code} exists with different content and never changes: add one with a new code`;
      problems.push({ path, kind: 'conflict', message });
    }
  }
  return { created, corrected: [], unchanged: sent.length - created.length };
}

/** A kind of data of which each key has one value, corrected by further entries. */
interface ByMonth<Sent, Row> {
  readonly toRow: (sent: Sent) => Omit<Row, 'entry'>;
  readonly keyOf: (row: Omit<Row, 'entry'>) => string;
  readonly isSame: (one: Omit<Row, 'entry'>, other: Row) => boolean;
  /** Says what is recorded. */
  readonly explain: (stored: Row) => string;
}

function diffByMonth<
  Sent extends { readonly replace?: boolean | undefined },
  Row extends { readonly entry: number },
>(
  sent: readonly Placed<Sent>[],
  stored: readonly Row[],
  { toRow, keyOf, isSame, explain }: ByMonth<Sent, Row>,
  problems: Problem[],
): Added<Omit<Row, 'entry'> & { readonly entry: number }> {
  const known = new Map(stored.map((row) => [keyOf(row), row]));
  const created: (Omit<Row, 'entry'> & { readonly entry: number })[] = [];
  const corrected: typeof created = [];
  for (const one of sent) {
    const row = toRow(one);
    const before = known.get(keyOf(row));
    if (before === undefined) created.push({ ...row, entry: 1 });
    else if (isSame(row, before)) continue;
    else if (one.replace === true) corrected.push({ ...row, entry: before.entry + 1 });
    else {
      const message = `${explain(before)}: to correct it, replace it`;
      problems.push({ path: one.path, kind: 'conflict', message });
    }
  }
  return { created, corrected, unchanged: sent.length - created.length - corrected.length };
}

function invalidAssignments(
  { treatments, assignments }: PlacedTax,
  current: CurrentTax,
): readonly Problem[] {
  const codes = new Set([...treatments, ...current.treatments].map(({ code }) => code));
  return assignments.flatMap(({ path, tenant_id, treatment }) => [
    ...(current.tenantIds.has(tenant_id)
      ? []
      : [invalid([...path, 'tenant_id'], `there is no tenant ${tenant_id}`)]),
    ...(codes.has(treatment)
      ? []
      : [invalid([...path, 'treatment'], `there is no tax treatment ${treatment}: add it first`)]),
  ]);
}

function invalidRates({ exchangeRates }: PlacedTax, { now }: CurrentTax): readonly Problem[] {
  return exchangeRates.flatMap(({ path, from, to, month }) => [
    ...(from === to ? [invalid([...path, 'to'], 'expected another currency than from')] : []),
    ...(month > now
      ? [invalid([...path, 'month'], `${month} is in the future: its exchange rate can't be known`)]
      : []),
  ]);
}

function invalid(path: readonly PropertyKey[], message: string): Problem {
  return { path, kind: 'invalid', message };
}

function isSameNumber(one: string, other: string): boolean {
  return new Decimal(one).equals(other);
}
