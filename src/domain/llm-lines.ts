import { parseDecimalSum, roundToCents, toDecimalString, type Decimal } from './decimal.ts';
import { DomainError } from './errors.ts';
import { parseMonth } from './period.ts';
import type { Month } from './period.ts';
import { parseQuantity } from './quantity.ts';
import type { JsonValue, QuoteLine } from './types.ts';

/** One deployment's LLM usage in one service month, with the gateway's charges. */
export interface LlmUsage {
  /** Names the usage in errors. */
  readonly deploymentId?: string;
  /** A whole number of gateway requests. */
  readonly requestCount: string | number;
  /** The exact sum of the gateway's charges, a decimal string of cents. */
  readonly exactCents: string;
  /** The same by model, each model once; absent where only the sums are needed. */
  readonly byModel?: readonly ModelUsage[];
  /** The month in which the requests were made. */
  readonly serviceMonth: Month;
  /** The month that the invoice is for: the service month, or a later one. */
  readonly invoiceMonth: Month;
}

/**
 * The model of usage of all models beyond those that are counted on their own (docs/spec.md#models-and-attributes), and
 * of metered usage. Documents and answers have null instead.
 */
export const OTHER_MODELS = '';

/** Returns the name of a model; null for all other models together. */
export function namedModel(model: string): string | null {
  return model === OTHER_MODELS ? null : model;
}

/** LLM usage of one model. */
export interface ModelUsage {
  /** {@link OTHER_MODELS} for all models beyond those that are counted on their own. */
  readonly model: string;
  readonly requestCount: string | number;
  /** Decimal string of cents. */
  readonly exactCents: string;
}

/**
 * Returns the invoice line of a deployment's LLM usage (docs/spec.md#month-end). The gateway's
 * charges are summed and rounded to cents once; a sum that rounds to 0 still gets a line. Usage
 * that was too late for its own month's invoice gets a line that names that month. `meta.by_model`
 * adds up to the line.
 * @throws DomainError `invalid_decimal`, `invalid_quantity`, `invalid_month`, `amount_out_of_range`
 */
export function llmUsageLine(usage: LlmUsage): QuoteLine {
  const what = `LLM usage of deployment ${usage.deploymentId ?? '(unnamed)'}, ${usage.serviceMonth}`;
  const exactCents = parseDecimalSum(usage.exactCents);
  const late = isLate(usage, what);
  return {
    kind: 'llm_usage',
    resourceKind: null,
    description: late ? `LLM usage, late for ${usage.serviceMonth}` : 'LLM usage',
    qty: parseCount(usage.requestCount, what),
    unit: 'request',
    unitPriceCents: null,
    amountCents: roundToCents(exactCents, what),
    meta: {
      exact_cents: toDecimalString(exactCents),
      ...(usage.byModel && { by_model: modelsOf(usage.byModel, what) }),
      ...(late && { service_month: usage.serviceMonth }),
    },
  };
}

/** Returns the models as the line stores them: ordered by name, all others (`model` null) last. */
function modelsOf(models: readonly ModelUsage[], what: string): JsonValue[] {
  return models
    .map((usage) => ({ ...usage, model: namedModel(usage.model) }))
    .sort(byName)
    .map(({ model, requestCount, exactCents }) => ({
      model,
      requests: parseCount(requestCount, what),
      exact_cents: toDecimalString(parseDecimalSum(exactCents)),
    }));
}

interface NamedModel {
  /** Null: all other models together. */
  readonly model: string | null;
}

/** Orders models by name, all others last. */
function byName(a: NamedModel, b: NamedModel): number {
  if (a.model === null || b.model === null) return a.model === null ? 1 : -1;
  return a.model < b.model ? -1 : 1;
}

interface ModelCost extends NamedModel {
  readonly cents: Decimal;
}

/** Orders models for people: the most expensive first, equal ones by name, all others last. */
export function byCost(a: ModelCost, b: ModelCost): number {
  const isOther = a.model === null || b.model === null;
  return (isOther ? 0 : b.cents.comparedTo(a.cents)) || byName(a, b);
}

function isLate({ serviceMonth, invoiceMonth }: LlmUsage, what: string): boolean {
  if (parseMonth(serviceMonth) > parseMonth(invoiceMonth)) {
    throw new DomainError(
      'invalid_month',
      `${what} can't be on the invoice for ${invoiceMonth}: its month isn't over then`,
    );
  }
  return serviceMonth < invoiceMonth;
}

function parseCount(requestCount: string | number, what: string): string {
  const count = parseQuantity(requestCount, what);
  if (!count.isInteger()) {
    throw new DomainError('invalid_quantity', `${what}: ${requestCount} requests is not a count`);
  }
  return toDecimalString(count);
}
