import type { MonthTotals } from '../../db/invoices/month-totals.ts';
import { Decimal, sumDecimals, toDecimalString } from '../../domain/decimal.ts';
import type { Month } from '../../domain/period.ts';
import type { UsageSoFar } from './usage-so-far.ts';

/** What the running month is expected to charge in a currency, before tax. Exact decimals of minor units. */
export interface MonthOutlook {
  readonly currency: string;
  /** The last month with invoices in this currency. */
  readonly last: Month;
  /** What either month has. */
  readonly charges: readonly ExpectedCharge[];
  readonly lastTotal: string;
  readonly expectedTotal: string;
}

export interface ExpectedCharge {
  readonly kind: (typeof KINDS)[number];
  readonly last: string;
  readonly expected: string;
}

/** Everything that every month has. Items and credits are each for one month. */
const KINDS = ['plan_base', 'addon', 'overage', 'llm_usage'] as const;

/**
 * Returns what the running month will be if plans, addons and overage are as in the last month with invoices, and LLM
 * usage continues as it has so far. A currency without invoices has nothing to go by.
 */
export function outlooksOf(
  usage: readonly UsageSoFar[],
  totals: readonly MonthTotals[],
): readonly MonthOutlook[] {
  const byCurrency = Map.groupBy(totals, ({ currency }) => currency);
  return [...byCurrency].flatMap(([currency, months]): MonthOutlook[] => {
    const last = months.reduce((latest, each) => (each.month > latest.month ? each : latest));
    const llm = usage.find((row) => row.currency === currency)?.projected ?? '0';
    const charges = KINDS.map((kind) => ({
      ...{ kind, last: last.kinds[kind] },
      expected: kind === 'llm_usage' ? llm : last.kinds[kind],
    })).filter((charge) => charge.last !== '0' || charge.expected !== '0');
    if (charges.length === 0) return [];
    const sum = (amount: (charge: ExpectedCharge) => string) =>
      toDecimalString(sumDecimals(charges.map((charge) => new Decimal(amount(charge)))));
    return [
      {
        ...{ currency, last: last.month, charges },
        lastTotal: sum((charge) => charge.last),
        expectedTotal: sum(({ expected }) => expected),
      },
    ];
  });
}
