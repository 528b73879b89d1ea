import type { Line } from './line-rules.ts';
import type { Model } from './model.ts';

/** How documents are taxed. docs/spec.md#tax. */

export interface Treatment {
  readonly label: string;
  readonly rate: string;
  /** The same rate in thousandths. */
  readonly perMille: number;
}

export const TREATMENTS = {
  gst: { label: 'GST', rate: '0.10', perMille: 100 },
  levy: { label: 'Levy', rate: '0.125', perMille: 125 },
  free: { label: 'GST', rate: '0', perMille: 0 },
} as const satisfies Record<string, Treatment>;
export type TreatmentCode = keyof typeof TREATMENTS;

/** Returns the tenant's treatment of a month, as recorded now. */
export function treatmentOf(model: Model, tenant: string, month: number): TreatmentCode {
  const own = model.treatments.filter((entry) => entry.tenant === tenant && entry.from <= month);
  const from = Math.max(...own.map((entry) => entry.from));
  return own.findLast((entry) => entry.from === from)?.code ?? 'gst';
}

/** Returns the tax of a taxable amount, rounded half away from zero. */
export function taxOn(taxableCents: number, code: TreatmentCode): number {
  const { perMille } = TREATMENTS[code];
  const rounded = Math.floor((2 * Math.abs(taxableCents) * perMille + 1000) / 2000);
  return taxableCents < 0 && rounded > 0 ? -rounded : rounded;
}

/** Returns a document's last line; none where there is no tax. */
export function taxLines(taxCents: number, code: TreatmentCode): readonly Line[] {
  if (taxCents === 0) return [];
  const { label, rate, perMille } = TREATMENTS[code];
  return [
    {
      deployment: null,
      subscription: null,
      item: null,
      kind: 'tax',
      resourceKind: null,
      description: `${label} (${perMille / 10}%)`,
      qty: '1',
      unit: 'invoice',
      unitPriceCents: null,
      amountCents: taxCents,
      isTaxable: true,
      meta: { rate },
    },
  ];
}
