import type { ThresholdView } from '../../../db/usage/spend-thresholds.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { MAX_THRESHOLDS, PERCENT_OF_PLAN } from '../../../domain/spend-thresholds.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { errorSummary, textField, type FieldMistake } from './form-fields.ts';
import { table } from './html-table.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { accountHref, accountTrail } from './places.ts';

/** The submitted form. */
export interface ThresholdForm {
  readonly thresholdId: string;
  readonly amount: string;
  readonly percent: string;
}

export interface ThresholdsView {
  readonly visitor: Visitor;
  readonly tenantId: string;
  readonly currency: string;
  readonly thresholds: readonly ThresholdView[];
  readonly form: ThresholdForm;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders a tenant's spend thresholds with the form for another one. */
export function thresholdsPage(view: ThresholdsView): string {
  const { visitor, tenantId, thresholds, mistakes } = view;
  return layout({
    title: 'Spend thresholds',
    visitor,
    trail: accountTrail(visitor, tenantId),
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<p>When the invoice of the running month comes to a threshold, before tax, the event usage.threshold_reached is sent once, within minutes. Nothing is blocked.</p>
${thresholdsTable(view)}<h2 id="new">Set a threshold</h2>
${thresholds.length >= MAX_THRESHOLDS ? markup`<p class="empty">There are ${MAX_THRESHOLDS} thresholds, the most that are possible: remove one first.</p>\n` : newForm(view)}`,
  });
}

/** Renders a tenant's spend thresholds, each with a button that removes it. */
export function thresholdsTable({
  visitor,
  tenantId,
  thresholds,
}: Pick<ThresholdsView, 'visitor' | 'tenantId' | 'thresholds'>): Markup {
  const path = `${accountHref(visitor, tenantId)}/thresholds`;
  return table<ThresholdView>({
    caption: 'Spend thresholds',
    empty: 'No thresholds yet.',
    rows: thresholds,
    columns: [
      {
        head: 'Name',
        isHead: true,
        cell: ({ threshold_id }) => markup`<span class="id">${threshold_id}</span>`,
      },
      { head: 'Threshold', isFigure: true, cell: limitOf },
      { head: 'This month', cell: (threshold) => stateOf(threshold, visitor.timeZone) },
      {
        head: markup`<span class="heard">Remove</span>`,
        cell: ({ threshold_id }) =>
          markup`<form method="post" action="${path}/${encodeURIComponent(threshold_id)}/remove">${formToken(visitor)}<button class="quiet">Remove<span class="heard"> ${threshold_id}</span></button></form>`,
      },
    ],
  });
}

function limitOf({ amount_cents, percent_of_plan, currency }: ThresholdView): string {
  return amount_cents === null
    ? `${groupDigits(percent_of_plan ?? 0)} % of the plan`
    : formatMoney(amount_cents, currency);
}

function stateOf({ reached, currency }: ThresholdView, timeZone: string): Markup {
  if (reached === null) return badge('plain', 'not reached');
  return markup`${badge('busy', 'reached')}<span class="sub">${formatMoney(reached.reached_cents, currency)} on ${minute(reached.reached_at, timeZone)}</span>`;
}

function newForm({ visitor, tenantId, currency, form, mistakes }: ThresholdsView): Markup {
  return markup`<form class="sheet" method="post" action="${accountHref(visitor, tenantId)}/thresholds">
${formToken(visitor)}${textField({
    id: 'threshold_id',
    label: 'Name',
    hint: 'Letters, digits, dots, hyphens and underscores, such as warning. An existing name is replaced.',
    mistakes,
    value: form.thresholdId,
    more: markup` autocomplete="off" spellcheck="false" maxlength="64" required`,
  })}${textField({
    id: 'amount',
    label: `Amount in ${currency}`,
    hint: 'Before tax. Or enter a percentage below.',
    mistakes,
    value: form.amount,
    more: markup` inputmode="decimal" autocomplete="off"`,
  })}${textField({
    id: 'percent',
    label: 'Percentage of the plan',
    hint: `Of the month’s base prices and addons, from ${PERCENT_OF_PLAN.min} %, instead of an amount.`,
    mistakes,
    value: form.percent,
    more: markup` inputmode="numeric" autocomplete="off"`,
  })}<div class="actions"><button>Set threshold</button></div>
</form>
`;
}
