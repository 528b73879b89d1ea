import { Temporal } from 'temporal-polyfill';
import type { SubscriptionView } from '../../../db/catalogue/subscription-views.ts';
import { formatDate } from '../../../display/dates.ts';
import { humanise } from '../../../display/names.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { accountTrail } from './places.ts';

export interface SubscriptionsTable {
  readonly caption: string;
  /** Text to show without subscriptions. */
  readonly empty: string;
  readonly subscriptions: readonly SubscriptionView[];
  /** Of the tenant. */
  readonly currency: string;
  readonly visitor: Visitor;
  /** Now: decides which are in force. */
  readonly at: Date;
}

export interface SubscriptionsView extends Omit<SubscriptionsTable, 'caption' | 'empty'> {
  readonly tenantId: string;
  readonly nextHref: string | null;
}

/** Renders all subscriptions of a tenant, by id. */
export function subscriptionsPage({ tenantId, nextHref, ...view }: SubscriptionsView): string {
  return layout({
    title: 'Subscriptions',
    visitor: view.visitor,
    trail: accountTrail(view.visitor, tenantId),
    main: markup`${subscriptionsTable({ ...view, caption: `Subscriptions of ${tenantId}, by id`, empty: 'No subscriptions.' })}${nextLink(nextHref, 'More subscriptions')}`,
  });
}

/** Renders subscriptions with their dates and addons. */
export function subscriptionsTable(view: SubscriptionsTable): Markup {
  const { caption, empty, subscriptions, currency, at } = view;
  const { timeZone } = view.visitor;
  return table<SubscriptionView>({
    caption,
    empty,
    rows: subscriptions,
    columns: [
      {
        head: 'Deployment',
        isHead: true,
        cell: ({ deployment_id, subscription_id }) =>
          markup`<span class="id">${deployment_id}</span><span class="sub id">${subscription_id}</span>`,
      },
      {
        head: 'Plan',
        cell: ({ plan }) =>
          plan === null ? badge('bad', 'no plan') : `${plan.code}, version ${plan.version}`,
      },
      {
        head: 'Dates',
        cell: (subscription) =>
          markup`${stateBadge(subscription, at)}<span class="sub">${spanText(subscription, timeZone)}</span>`,
      },
      {
        head: 'Addons',
        cell: ({ addons }) => addons.map((addon) => addonCell(addon, currency, timeZone)),
      },
    ],
  });
}

type Span = Pick<SubscriptionView, 'starts_at' | 'ends_at'>;

function stateBadge({ starts_at, ends_at }: Span, at: Date): Markup {
  if (starts_at === null) return badge('plain', 'not started');
  if (Date.parse(starts_at) > at.getTime()) return badge('busy', 'starts later');
  const isOver = ends_at !== null && Date.parse(ends_at) <= at.getTime();
  return isOver ? badge('plain', 'ended') : badge('good', 'in force');
}

function addonCell(
  { code, name, resource_kind, qty, price_cents, ...span }: SubscriptionView['addons'][number],
  currency: string,
  timeZone: string,
): Markup {
  return markup`<div>${name ?? humanise(code)}, ${formatMoney(price_cents, currency)} a month<span class="sub">${groupDigits(qty)} ${humanise(resource_kind)}; ${spanText(span, timeZone)}</span></div>`;
}

/**
 * Returns when something is in force: `from 20 May 2026`, `20 May 2026 to 31 May 2026`. An end at midnight is the end of the
 * day before. Instants within a day are shown to the minute.
 */
function spanText({ starts_at, ends_at }: Span, timeZone: string): string {
  if (starts_at === null) return 'no start date';
  const from = dayOf(starts_at, timeZone, 0) ?? minute(starts_at, timeZone);
  if (ends_at === null) return `from ${from}`;
  return `${from} to ${dayOf(ends_at, timeZone, 1) ?? minute(ends_at, timeZone)}`;
}

/** Returns the date of the day that an instant begins, less some days; null if it is within a day. */
function dayOf(instant: string, timeZone: string, less: number): string | null {
  const local = Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone);
  if (!local.startOfDay().equals(local)) return null;
  return formatDate(local.toPlainDate().subtract({ days: less }).toString());
}
