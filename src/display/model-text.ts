import { Decimal } from '../domain/decimal.ts';
import { formatAmount, groupDigits } from '../domain/format.ts';
import { byCost } from '../domain/llm-lines.ts';
import { textOf, type Meta } from './line-meta.ts';

/** How people read the models of an LLM line, on documents, pages and the terminal. */
export interface ShownModel {
  readonly name: string;
  /** With grouped digits. */
  readonly requests: string;
  /** Of the line's charges: `12.5%`; empty if they are 0. */
  readonly share: string;
  /** Exact. */
  readonly amount: string;
}

export const OTHER_MODELS_TEXT = 'All other models';

/** Returns the models of a line, largest charges first, all others last; empty for lines without. */
export function modelsOf(meta: Meta, currency: string): readonly ShownModel[] {
  const stored = Array.isArray(meta.by_model) ? (meta.by_model as readonly Meta[]) : [];
  const models = stored.map(({ model, requests, exact_cents }) => ({
    model: typeof model === 'string' ? model : null,
    requests: textOf(requests),
    exact_cents: textOf(exact_cents),
    cents: new Decimal(textOf(exact_cents)),
  }));
  return showModels(models.sort(byCost), currency);
}

/** Returns the texts of sums by model, in their order. */
export function showModels(
  models: readonly {
    readonly model: string | null;
    readonly requests: string | number;
    readonly exact_cents: string;
  }[],
  currency: string,
): readonly ShownModel[] {
  const total = models.reduce((sum, { exact_cents }) => sum.plus(exact_cents), new Decimal(0));
  return models.map(({ model, requests, exact_cents }) => ({
    name: model ?? OTHER_MODELS_TEXT,
    requests: groupDigits(requests),
    share: shareOfTotal(exact_cents, total),
    amount: formatAmount(exact_cents, currency).replace('-', '−'),
  }));
}

/** Returns the share of an exact total: `12.5%`; empty if the total is 0. */
export function shareOfTotal(part: string, total: string | Decimal): string {
  const whole = new Decimal(total);
  if (whole.isZero()) return '';
  const percent = new Decimal(part).times(100).dividedBy(whole).toFixed(1);
  return `${groupDigits(percent).replace('-', '−')}%`;
}
