import { ACTION_OUTCOMES, type OperatorAction } from '../../../db/month-end/operator-actions.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { filterForm } from './filter-form.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { invoiceHref, monthHref, noteHref, tenantHref, tenantIdLink } from './places.ts';

export const AUDIT_PATH = '/operator/audit';

export interface AuditView {
  readonly visitor: Visitor;
  readonly actions: readonly OperatorAction[];
  /** Empty texts filter nothing. */
  readonly filter: {
    readonly actor: string;
    readonly action: string;
    readonly tenantId: string;
    readonly outcome: string;
    readonly since: string;
  };
  readonly nextHref: string | null;
}

/** Renders the list of recorded actions. */
export function auditPage({ visitor, actions, filter, nextHref }: AuditView): string {
  const isFiltered = Object.values(filter).some((value) => value !== '');
  return layout({
    title: 'Audit log',
    visitor,
    main: markup`<p>Every change that operators made or tried, by pages, API, command line or the Temporal Web UI, and every request of the Schedule. Each was recorded before it ran, and can’t be changed.</p>
${filterForm(AUDIT_PATH, [
  { name: 'actor', label: 'By', value: filter.actor },
  { name: 'action', label: 'Action', value: filter.action },
  { name: 'tenant_id', label: 'Tenant', value: filter.tenantId },
  {
    ...{ name: 'outcome', label: 'Outcome', value: filter.outcome, any: 'Any outcome' },
    choices: ACTION_OUTCOMES.map((outcome) => ({ value: outcome, text: outcome })),
  },
  { name: 'since', label: 'Since', value: filter.since, type: 'date' },
])}${table({
      caption: 'Actions, latest first',
      empty: isFiltered ? 'No actions match.' : 'There are no actions yet.',
      rows: actions,
      columns: [
        {
          head: 'Action',
          isHead: true,
          cell: ({ action_id, action, requested_at }) =>
            markup`<a href="${AUDIT_PATH}/${action_id}">${action}<span class="heard">, record ${action_id}</span></a><span class="sub date">${minute(requested_at, visitor.timeZone)}</span>`,
        },
        { head: 'By', cell: ({ actor }) => actor },
        { head: 'About', cell: ({ target }) => targetCell(target, visitor) },
        { head: 'Tenants', cell: (action) => tenantsCell(action, SHOWN_TENANTS) },
        { head: 'Reason', cell: ({ reason }) => reason ?? '' },
        {
          head: 'Outcome',
          cell: (action) =>
            markup`${outcomeBadge(action)}${action.detail === null ? '' : markup`<span class="sub">${action.detail}</span>`}`,
        },
      ],
    })}${nextLink(nextHref, 'Earlier actions')}`,
  });
}

/** Tenants shown per row of the list. */
const SHOWN_TENANTS = 5;
/** Longer values, such as whole files, are on the page of the action. */
const SHOWN_CHARACTERS = 80;

/** Renders what an action is about, with links to the pages of its month, tenant, invoice or note. */
export function targetCell(target: unknown, visitor: Visitor): Markup {
  const entries = typeof target === 'object' && target !== null ? Object.entries(target) : [];
  return markup`${entries
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      const whole = typeof value === 'string' ? value : JSON.stringify(value);
      const text = whole.length > SHOWN_CHARACTERS ? `${whole.slice(0, SHOWN_CHARACTERS)}…` : whole;
      const href = hrefOf(name, whole, visitor);
      const shown = href === null ? text : markup`<a href="${href}">${text}</a>`;
      return markup`<span class="sub">${name.replaceAll('_', ' ')} <span class="id">${shown}</span></span>`;
    })}`;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const MONTH = /^\d{4}-\d{2}$/;

function hrefOf(name: string, value: string, visitor: Visitor): string | null {
  if (name === 'tenant_id' || name === 'tenant') return tenantHref(value);
  if (name === 'month' && MONTH.test(value)) return monthHref(value);
  if (name === 'invoice_id' && UUID.test(value)) return invoiceHref(visitor, value);
  if (name === 'adjustment_note_id' && UUID.test(value)) return noteHref(visitor, value);
  return null;
}

/** Renders the tenants that an action names. */
export function tenantsCell(
  { tenant_ids: tenantIds, all_tenants }: OperatorAction,
  shown = Infinity,
): Markup {
  if (all_tenants) return markup`all due tenants`;
  if (tenantIds === null) return markup``;
  const more = tenantIds.length - shown;
  return markup`${tenantIds
    .slice(0, shown)
    .map(
      (id, index) => markup`${index === 0 ? '' : ', '}${tenantIdLink(id)}`,
    )}${more > 0 ? ` and ${groupDigits(more)} more` : ''}`;
}

const TONES = { done: 'good', refused: 'plain', failed: 'bad' } as const;

/** Renders how an action ended. Without an outcome it is running, or its process died. */
export function outcomeBadge({ outcome }: OperatorAction): Markup {
  return outcome === null ? badge('busy', 'running or lost') : badge(TONES[outcome], outcome);
}
