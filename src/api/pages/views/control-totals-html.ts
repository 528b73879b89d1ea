import type { ComparisonCounts } from '../../../db/usage/compare-control-totals.ts';
import type { ComparedRow } from '../../../db/usage/gateway-totals.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import type {
  DeploymentState,
  DifferentDay,
  UsageFigures,
} from '../../../domain/gateway-totals.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { errorSummary, reasonField, type FieldMistake } from './form-fields.ts';
import { nextLink, table, type Column } from './html-table.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { monthLink, tenantIdLink } from './places.ts';

export interface ComparisonView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly counts: ComparisonCounts;
  readonly rows: readonly ComparedRow[];
  readonly nextHref: string | null;
}

const TONES = {
  equal: 'good',
  accepted: 'plain',
  missing: 'busy',
  unstated: 'busy',
  expired: 'plain',
  different: 'bad',
} as const satisfies Record<DeploymentState, string>;

const STATE_NAMES = {
  equal: 'equal',
  accepted: 'accepted',
  missing: 'no total',
  unstated: 'no total',
  expired: 'not comparable',
  different: 'different',
} as const satisfies Record<DeploymentState, string>;

/** Renders whether all sums of a month agree. */
export function comparisonBadge({ unequal }: ComparisonCounts): Markup {
  return unequal === 0 ? badge('good', 'equal') : badge('busy', 'not equal');
}

/** Says how many deployments agree, differ, or have no control total. */
export function countsSentence({ equal, unequal, unstated }: ComparisonCounts): string {
  return `Deployments: ${groupDigits(equal)} equal, ${groupDigits(unequal)} not equal, ${groupDigits(unstated)} with LLM usage but no total.`;
}

/** Renders the comparison of a month's control totals with the ledger. */
export function comparisonPage({ visitor, month, counts, rows, nextHref }: ComparisonView): string {
  const isEmpty = counts.equal + counts.unequal === 0;
  return layout({
    title: `Control totals of ${formatMonth(month)}`,
    visitor,
    trail: trailOf(month),
    main: markup`<p>How many LLM requests the gateway says it made, and their sum, compared with the usage that was accepted.</p>
${isEmpty ? '' : markup`<p>${comparisonBadge(counts)} ${countsSentence(counts)}</p>\n`}${table({
      caption: 'Days that are not equal',
      empty: isEmpty
        ? `The gateway stated no control totals for ${formatMonth(month)}.`
        : 'All control totals are equal to the usage.',
      rows,
      columns: comparisonColumns(month),
    })}${nextLink(nextHref, 'Further deployments')}`,
  });
}

function comparisonColumns(month: string): readonly Column<ComparedRow>[] {
  return [
    {
      head: 'Deployment',
      isHead: true,
      cell: ({ tenant_id, deployment_id }) =>
        markup`<span class="id">${deployment_id}</span><span class="sub">${tenantIdLink(tenant_id)}</span>`,
    },
    { head: 'Day', cell: ({ day }) => day ?? 'whole month' },
    { head: 'State', cell: (row) => stateCell(month, row) },
    { head: 'Gateway', isFigure: true, cell: ({ stated, currency }) => figures(stated, currency) },
    { head: 'Ledger', isFigure: true, cell: ({ ledger, currency }) => figures(ledger, currency) },
    {
      head: 'Held in quarantine',
      isFigure: true,
      cell: ({ held, currency }) => (held.requests === '0' ? '' : figures(held, currency)),
    },
  ];
}

function stateCell(month: string, { state, acceptance, deployment_id, day }: ComparedRow): Markup {
  const said =
    acceptance === null
      ? ''
      : markup`<span class="sub">By ${acceptance.actor}: ${acceptance.reason}</span>`;
  const link =
    state === 'different'
      ? markup`<a class="sub" href="/operator/months/${month}/control-totals/${deployment_id}/accept">Accept<span class="heard"> ${deployment_id} ${day ?? ''}</span></a>`
      : '';
  return markup`${badge(TONES[state], STATE_NAMES[state])}${said}${link}`;
}

function figures(value: UsageFigures | null, currency: string): Markup | string {
  if (value === null) return 'none';
  return markup`${groupDigits(value.requests)}<span class="sub">${formatMoney(value.charge_cents, currency)}</span>`;
}

function trailOf(month: string) {
  return [{ href: '/operator/months', text: 'Months' }, monthLink(month)];
}

export interface AcceptView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly currency: string;
  /** The days that differ without being accepted. */
  readonly days: readonly DifferentDay[];
  readonly reason: string;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders the differences of a deployment, with the form that accepts them. */
export function acceptPage(view: AcceptView): string {
  const { visitor, month, tenantId, deploymentId, currency, days, reason, mistakes } = view;
  const path = `/operator/months/${month}/control-totals`;
  return layout({
    title: `Accept differences of ${deploymentId}`,
    visitor,
    trail: [...trailOf(month), { href: path, text: 'Control totals' }],
    hasErrors: mistakes.length > 0,
    main:
      days.length === 0
        ? markup`${errorSummary(mistakes)}<p class="empty">No control total of ${deploymentId} differs any more.</p>\n`
        : markup`${errorSummary(mistakes)}<p>You accept exactly these figures. If a total is corrected, or usage arrives later, the day has to be accepted again. Then rerun the month for ${tenantId} if it is parked.</p>
${table({
  caption: 'Differences to accept',
  empty: '',
  rows: days,
  columns: [
    { head: 'Day', isHead: true, cell: ({ day }) => day },
    { head: 'Gateway', isFigure: true, cell: ({ stated }) => figures(stated, currency) },
    { head: 'Ledger', isFigure: true, cell: ({ ledger }) => figures(ledger, currency) },
    {
      head: 'Held in quarantine',
      isFigure: true,
      cell: ({ held }) => (held.requests === '0' ? '' : figures(held, currency)),
    },
  ],
})}<form class="sheet" method="post" action="${path}/${deploymentId}/accept">
${formToken(visitor)}<input type="hidden" name="tenant_id" value="${tenantId}"><input type="hidden" name="days" value="${seenOf(days)}">
${reasonField(reason, 'Stored with the figures, and recorded with your key’s name.', mistakes)}<div class="actions"><button>Accept</button><a href="${path}">Cancel</a></div>
</form>
`,
  });
}

/** What the page shows, as the API takes it: if the figures have changed by the time the form is sent, nothing is accepted. */
function seenOf(days: readonly DifferentDay[]): string {
  return JSON.stringify(
    days.map(({ deployment_id, day, stated, ledger }) => ({ deployment_id, day, stated, ledger })),
  );
}
