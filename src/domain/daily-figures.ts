import { Decimal, sumDecimals, toDecimalString } from './decimal.ts';
import { OTHER_MODELS, byCost } from './llm-lines.ts';

/** The usage of one day, kind and model (docs/spec.md#usage-by-day). */
export interface UsageOfDay {
  /** 1 for the first day of the month. */
  readonly day: number;
  /** `llm_usage`, or the resource kind of metered usage. */
  readonly resourceKind: string;
  /** Of LLM usage: the model, `''` for all models without a bucket of their own. Null for metered usage. */
  readonly model: string | null;
  /** Of the charges; null for metered usage. */
  readonly currency: string | null;
  /** LLM requests without excluded ones; metered records. */
  readonly events: number;
  /** Exact cents or an exact quantity, without what was excluded. A correction counts on its own day. */
  readonly amount: string;
}

/** What the charts of a month's days show. Every list of days has an entry for each day of the month. */
export interface DailyFigures {
  /** Null without LLM requests. */
  readonly llm: {
    readonly currency: string;
    readonly requests: number;
    readonly exactCents: string;
    /** The most expensive models, the most expensive first; null, the last: all others together. */
    readonly models: readonly (string | null)[];
    readonly days: readonly LlmDay[];
  } | null;
  /** Metered usage, by kind. */
  readonly kinds: readonly {
    readonly resourceKind: string;
    readonly total: string;
    readonly days: readonly string[];
  }[];
}

export interface LlmDay {
  readonly requests: number;
  readonly exactCents: string;
  /** Of `exactCents`, for each of the models. */
  readonly byModel: readonly string[];
}

/** Models with a colour of their own. */
const MAX_MODELS = 5;

/** Arranges usage by day for the charts, with a bounded number of models. */
export function foldDays(usage: readonly UsageOfDay[], days: number): DailyFigures {
  const [llm, metered] = [usage.filter(isLlm), usage.filter((each) => !isLlm(each))];
  const kinds = Map.groupBy(metered, ({ resourceKind }) => resourceKind);
  return {
    llm: llm.length === 0 ? null : foldLlm(llm, days),
    kinds: [...kinds].sort(byName).map(([resourceKind, own]) => ({
      resourceKind,
      total: sumOf(own),
      days: perDay(own, days).map(sumOf),
    })),
  };
}

function foldLlm(usage: readonly UsageOfDay[], days: number): DailyFigures['llm'] {
  const models = rank(usage);
  return {
    currency: usage.find(({ currency }) => currency !== null)?.currency ?? '',
    requests: requestsOf(usage),
    exactCents: sumOf(usage),
    models,
    days: perDay(usage, days).map((own) => ({
      requests: requestsOf(own),
      exactCents: sumOf(own),
      byModel: models.map((model) => sumOf(own.filter(isPartOf(model, models)))),
    })),
  };
}

/** Returns the models that are shown, and null if there are others. */
function rank(usage: readonly UsageOfDay[]): readonly (string | null)[] {
  const totals = [...Map.groupBy(usage, ({ model }) => model ?? OTHER_MODELS)]
    .filter(([model]) => model !== OTHER_MODELS)
    .map(([model, own]) => ({ model, cents: new Decimal(sumOf(own)) }))
    .sort(byCost);
  const shown = totals.slice(0, MAX_MODELS).map(({ model }) => model);
  const others = usage.some(({ model }) => !shown.includes(model ?? OTHER_MODELS));
  return others ? [...shown, null] : shown;
}

function isPartOf(model: string | null, models: readonly (string | null)[]) {
  return (each: UsageOfDay): boolean =>
    model === null ? !models.includes(each.model ?? OTHER_MODELS) : each.model === model;
}

function perDay(usage: readonly UsageOfDay[], days: number): readonly (readonly UsageOfDay[])[] {
  const byDay = Map.groupBy(usage, ({ day }) => day);
  return Array.from({ length: days }, (_, index) => byDay.get(index + 1) ?? []);
}

function isLlm({ model }: UsageOfDay): boolean {
  return model !== null;
}

function requestsOf(usage: readonly UsageOfDay[]): number {
  return usage.reduce((sum, { events }) => sum + events, 0);
}

function sumOf(usage: readonly UsageOfDay[]): string {
  return toDecimalString(sumDecimals(usage.map(({ amount }) => new Decimal(amount))));
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
