import type { BuyerVersion } from '../../../db/catalogue/buyer-details.ts';
import type { SubscriptionView } from '../../../db/catalogue/subscription-views.ts';
import type { TenantView } from '../../../db/catalogue/tenant-views.ts';
import type { TenantBalance } from '../../../db/invoices/balances.ts';
import type { InvoiceHeader } from '../../../db/invoices/invoice-views.ts';
import type { ListedItem } from '../../../db/invoices/item-views.ts';
import type { NoteHeader } from '../../../db/invoices/note-views.ts';
import type { PaymentView } from '../../../db/invoices/payment-views.ts';
import type { ParkedMonth } from '../../../db/month-end/parked-months.ts';
import type { TenantTax } from '../../../db/tax/tax-views.ts';
import type { QuarantineCount } from '../../../db/usage/quarantine-views.ts';
import type { ThresholdView } from '../../../db/usage/spend-thresholds.ts';
import { formatMonth } from '../../../display/dates.ts';
import { heldText } from '../../../display/quarantine-text.ts';
import { counted, formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { TenantActivity } from '../tenant-activity.ts';
import { table } from './html-table.ts';
import { itemsTable } from './items-html.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { reasonCell, whatToDo } from './parked-html.ts';
import { accountHref, accountTrail, monthHref, newItemHref, reRunHref } from './places.ts';
import { subscriptionsTable } from './subscriptions-html.ts';
import { accountPayments, balanceFacts, invoicesTable, notesTable } from './tenant-account-html.ts';
import { activitySection } from './tenant-activity-html.ts';
import { buyerSection, taxSection } from './tenant-parties-html.ts';
import { thresholdsTable } from './tenant-thresholds-html.ts';

/** The first entries of a list, and whether there are more. */
export interface FirstEntries<Entry> {
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
}

/** What operators see of a tenant. */
export interface TenantOverview {
  readonly tenant: Pick<TenantView, 'tenant_id' | 'name' | 'currency'>;
  readonly balances: readonly TenantBalance[];
  readonly parked: readonly ParkedMonth[];
  readonly quarantined: readonly QuarantineCount[];
  /** Webhook events about it that were given up. */
  readonly deadDeliveries: number;
  /** Keys of its own that work. */
  readonly keys: number;
  /** Those that haven't ended. */
  readonly subscriptions: FirstEntries<SubscriptionView>;
  readonly endedSubscriptions: FirstEntries<SubscriptionView>;
  readonly invoices: FirstEntries<InvoiceHeader>;
  readonly notes: FirstEntries<NoteHeader>;
  readonly payments: FirstEntries<PaymentView>;
  /** Those that wait for an invoice. */
  readonly items: FirstEntries<ListedItem>;
  readonly thresholds: readonly ThresholdView[];
  readonly tax: readonly TenantTax[];
  readonly buyers: FirstEntries<BuyerVersion>;
}

export interface TenantOverviewView extends TenantOverview {
  readonly visitor: Visitor;
  readonly activity: TenantActivity;
  readonly at: Date;
}

/** Renders an operator's page of a tenant: what needs a person first, then what it uses, has, was invoiced and owes. */
export function tenantOverviewPage(view: TenantOverviewView): string {
  const { visitor, tenant, balances, activity, thresholds, invoices, notes, payments } = view;
  const { tenant_id: tenantId, name, currency } = tenant;
  const account = accountHref(visitor, tenantId);
  return layout({
    title: name,
    visitor,
    trail: accountTrail(visitor, tenantId).slice(0, 1),
    isLive: activity.state === 'computing',
    main: markup`<p class="soft"><span class="id">${tenantId}</span> is invoiced in ${currency}.</p>
${needsSection(view)}${balances.map((balance) => balanceFacts(balance, account))}${activitySection({ visitor, tenantId, activity, thresholds })}
<h2 id="invoices">Invoices</h2>
${invoicesTable({ invoices: invoices.entries, visitor, empty: 'No invoices yet.' })}${allLink(invoices, `${account}/invoices`, 'All invoices')}${
      notes.entries.length === 0
        ? ''
        : markup`<h2 id="notes">Adjustment notes</h2>
${notesTable(notes.entries, visitor)}${allLink(notes, `${account}/adjustment-notes`, 'All adjustment notes')}`
    }<h2 id="payments">Payments</h2>
${accountPayments(payments.entries, visitor)}${allLink(payments, `${account}/payments`, 'All payments')}
${itemsSection(view)}${subscriptionsSection(view)}<h2 id="thresholds">Spend thresholds</h2>
${thresholdsTable({ visitor, tenantId, thresholds })}<p><a href="${account}/thresholds">Set a threshold</a></p>
${taxSection(view.tax)}${buyerSection(view.buyers.entries, visitor.timeZone, view.buyers.hasMore)}${accessSection(view)}`,
  });
}

/** Renders what a person must do. */
function needsSection(view: TenantOverviewView): Markup {
  const { visitor, balances, parked, quarantined, deadDeliveries } = view;
  const { tenant_id: tenantId } = view.tenant;
  const asked = `tenant_id=${encodeURIComponent(tenantId)}`;
  const needs = [
    ...balances
      .filter(({ overdue_cents }) => overdue_cents !== '0')
      .map(
        ({ overdue_cents, currency }) =>
          markup`<li>${formatMoney(overdue_cents, currency)} is overdue: <a href="${accountHref(visitor, tenantId)}/invoices?show=overdue">overdue invoices</a></li>\n`,
      ),
    ...(quarantined.length === 0
      ? []
      : [
          markup`<li>Usage is held in <a href="/operator/quarantine?${asked}">quarantine</a>: ${heldText(quarantined)}</li>\n`,
        ]),
    ...(deadDeliveries === 0
      ? []
      : [
          markup`<li><a href="/operator/webhooks?state=dead&${asked}">${counted(deadDeliveries, 'webhook event')}</a> could not be delivered</li>\n`,
        ]),
  ];
  if (needs.length === 0 && parked.length === 0) return markup``;
  return markup`<h2 id="needs-you">Needs you</h2>
${parkedTable(parked, tenantId, visitor)}${needs.length === 0 ? '' : markup`<ul>${needs}</ul>\n`}`;
}

function parkedTable(
  parked: readonly ParkedMonth[],
  tenantId: string,
  { timeZone }: Visitor,
): Markup {
  if (parked.length === 0) return markup``;
  return table<ParkedMonth>({
    caption: 'Months in which the tenant is parked, latest first',
    empty: '',
    rows: parked,
    columns: [
      {
        head: 'Parked in',
        isHead: true,
        cell: ({ month, recorded_at }) =>
          markup`<a href="${monthHref(month)}">${formatMonth(month)}</a><span class="sub">${minute(recorded_at, timeZone)}</span>`,
      },
      { head: 'Reason', cell: reasonCell },
      {
        head: 'What to do',
        cell: ({ month, reason_type }) =>
          markup`${whatToDo(month, { tenant_id: tenantId, reason_type })}<span class="sub"><a href="${reRunHref(month, tenantId)}">Rerun ${formatMonth(month)}</a></span>`,
      },
    ],
  });
}

function itemsSection({ visitor, tenant, items }: TenantOverviewView): Markup {
  const { tenant_id: tenantId } = tenant;
  return markup`<h2 id="items">Charges and credits that wait</h2>
${itemsTable({ items: items.entries, visitor, empty: 'None wait for an invoice.', isOfTenant: true })}<ul class="links"><li><a href="${newItemHref(tenantId)}">Add a charge or credit</a></li><li><a href="/operator/items?tenant_id=${encodeURIComponent(tenantId)}">All charges and credits</a></li></ul>
`;
}

function subscriptionsSection(view: TenantOverviewView): Markup {
  const { visitor, tenant, at, subscriptions, endedSubscriptions: ended } = view;
  const { tenant_id: tenantId, currency } = tenant;
  const shown = { currency, visitor, at };
  return markup`<h2 id="subscriptions">Subscriptions</h2>
${subscriptionsTable({ ...shown, caption: 'Subscriptions that have not ended, by id', empty: 'No subscription is in force or starts later.', subscriptions: subscriptions.entries })}${
    ended.entries.length === 0
      ? ''
      : markup`<details><summary>Ended subscriptions</summary>
${subscriptionsTable({ ...shown, caption: 'Ended subscriptions, by id', empty: '', subscriptions: ended.entries })}</details>
`
  }${allLink({ hasMore: subscriptions.hasMore || ended.hasMore }, `${accountHref(visitor, tenantId)}/subscriptions`, 'All subscriptions')}`;
}

function accessSection({ tenant, keys }: TenantOverviewView): Markup {
  const asked = `tenant_id=${encodeURIComponent(tenant.tenant_id)}`;
  return markup`<h2 id="access">Access and events</h2>
<ul class="links"><li><a href="/operator/keys?${asked}">${counted(keys, 'API key')} of its own</a></li><li><a href="/operator/webhooks?${asked}">Webhook events</a></li><li><a href="/operator/audit?${asked}">Audit log</a></li></ul>
`;
}

function allLink({ hasMore }: { readonly hasMore: boolean }, href: string, text: string): Markup {
  return hasMore ? markup`<p><a href="${href}">${text}</a></p>\n` : markup``;
}
