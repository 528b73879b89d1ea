import type { InvoiceInputs } from './compose-invoice.ts';
import { Decimal, parseDecimalSum, sumDecimals, toDecimalString } from './decimal.ts';
import { byCost, namedModel, type ModelUsage } from './llm-lines.ts';
import type { Month } from './period.ts';
import { project, type Progress } from './projection.ts';
import type { Usage } from './types.ts';

/** Usage of a running month: LLM usage by model, and projections of the usage that an invoice is composed from. */

type LlmUsageOfMonth = InvoiceInputs['llmUsage'][number];

/** LLM usage so far. */
export interface LlmSoFar {
  readonly requests: number;
  /** The gateway's charges, a decimal string. */
  readonly exactCents: string;
  /** They add up to the sums. The most expensive first, all other models last. */
  readonly byModel: readonly ModelSoFar[];
}

export interface ModelSoFar {
  /** Null: all other models together (docs/spec.md#models-and-attributes). */
  readonly model: string | null;
  readonly requests: number;
  /** Decimal string. */
  readonly exactCents: string;
}

/** Adds up LLM usage, also by model. */
export function llmSoFar(usage: readonly LlmUsageOfMonth[]): LlmSoFar {
  const models = Map.groupBy(
    usage.flatMap(({ byModel = [] }) => byModel),
    ({ model }) => model,
  );
  const byModel = [...models]
    .map(([model, own]) => ({ model: namedModel(model), ...sumsOf(own) }))
    .sort(byCost)
    .map(({ model, requests, cents }) => ({ model, requests, exactCents: toDecimalString(cents) }));
  const { requests, cents } = sumsOf(usage);
  return { requests, exactCents: toDecimalString(cents), byModel };
}

function sumsOf(usage: readonly Omit<ModelUsage, 'model'>[]): {
  readonly requests: number;
  readonly cents: Decimal;
} {
  return {
    requests: usage.reduce((sum, { requestCount }) => sum + Number(requestCount), 0),
    cents: sumDecimals(usage.map(({ exactCents }) => parseDecimalSum(exactCents))),
  };
}

/** Returns how much of a deployment's service has passed. */
export type ProgressOf = (deploymentId: string) => Progress;

/**
 * Projects LLM usage of a month to its end; late usage of earlier months stays as it is. Projected usage has no models,
 * because requests are rounded to whole ones and would not add up.
 */
export function projectLlmUsage(
  usage: readonly LlmUsageOfMonth[],
  month: Month,
  progressOf: ProgressOf,
): InvoiceInputs['llmUsage'] {
  return usage.map((own) => {
    const { deploymentId, serviceMonth, requestCount, exactCents } = own;
    if (serviceMonth !== month) return own;
    const progress = progressOf(deploymentId);
    return {
      ...{ deploymentId, serviceMonth },
      requestCount: toDecimalString(project(new Decimal(requestCount), progress, 0)),
      exactCents: toDecimalString(project(parseDecimalSum(exactCents), progress)),
    };
  });
}

/** Projects metered usage to the end of the month. */
export function projectMeteredUsage(
  metered: ReadonlyMap<string, Usage>,
  progressOf: ProgressOf,
): ReadonlyMap<string, Usage> {
  const projectKind = (used: Usage[string] | undefined, deploymentId: string): string =>
    toDecimalString(project(new Decimal(used ?? 0), progressOf(deploymentId)));
  return new Map(
    [...metered].map(([deploymentId, usage]) => [
      deploymentId,
      // `Object.fromEntries` is safe for any kind name, including `__proto__`.
      Object.fromEntries(
        Object.entries(usage).map(([kind, used]) => [kind, projectKind(used, deploymentId)]),
      ),
    ]),
  );
}
