import type { PlanVersionView } from '../../db/catalogue/catalogue-views.ts';
import type { SubscriptionView } from '../../db/catalogue/subscription-views.ts';
import type { TenantView } from '../../db/catalogue/tenant-views.ts';
import { formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { style, type Format } from './styled-text.ts';
import { indent, renderTable } from './text-table.ts';

/** Tenants, subscriptions and plans as text. */

export function renderTenants(tenants: readonly TenantView[]): string {
  return renderTable<TenantView>(
    [
      { head: 'id', value: ({ tenant_id }) => tenant_id },
      { head: 'name', wrap: true, value: ({ name }) => name },
      { head: 'currency', value: ({ currency }) => currency },
      { head: 'buyer', wrap: true, value: ({ buyer }) => buyer?.legal_name ?? null },
      { head: 'tax', value: taxText },
    ],
    tenants,
    'There are no tenants.',
  );
}

/** A tenant with its subscriptions. */
export function renderTenant(
  tenant: TenantView & { readonly subscriptions: readonly SubscriptionView[] },
): string {
  const { tenant_id, name, currency, buyer, subscriptions } = tenant;
  const { legal_name, abn, address, contact, email } = buyer ?? {};
  const party = [legal_name, abn && `ABN ${abn}`, ...(address ?? []), contact, email];
  return [
    `${style('bold', `Tenant ${tenant_id}`)} · ${name} · ${currency}`,
    `buyer: ${party.filter(Boolean).join(', ') || 'none; documents name the tenant'}`,
    `tax: ${taxText(tenant).replaceAll('\n', ', ')}`,
    '',
    indent(renderSubscriptions(subscriptions, 'The tenant has no subscriptions.')),
  ].join('\n');
}

/** The treatments, each with its first month, a line each. */
function taxText({ tax }: TenantView): string {
  if (tax.length === 0) return 'gst';
  return tax.map(({ from, treatment }) => `${treatment} from ${from}`).join('\n');
}

export function renderSubscriptions(
  subscriptions: readonly SubscriptionView[],
  ifNone = 'No subscriptions match.',
): string {
  return renderTable<SubscriptionView>(
    [
      { head: 'id', value: ({ subscription_id }) => subscription_id },
      { head: 'tenant', value: ({ tenant_id }) => tenant_id },
      { head: 'deployment', value: ({ deployment_id }) => deployment_id },
      { head: 'plan', value: planText },
      { head: 'status', value: ({ status }) => status, format: statusFormat },
      { head: 'starts', value: ({ starts_at }) => starts_at },
      { head: 'ends', value: ({ ends_at }) => ends_at },
      { head: 'addons', value: ({ addons }) => addons.map(({ code }) => code).join('\n') },
    ],
    subscriptions,
    ifNone,
  );
}

export function renderSubscription(subscription: SubscriptionView): string {
  const { subscription_id, tenant_id, deployment_id, status, starts_at, ends_at, addons } =
    subscription;
  return [
    `${style('bold', `Subscription ${subscription_id}`)} · ${tenant_id} · ${deployment_id}`,
    `plan ${planText(subscription)}, ${status}, from ${starts_at ?? 'no start'}${ends_at === null ? '' : ` to ${ends_at}`}`,
    '',
    indent(
      renderTable(
        [
          { head: 'addon', value: ({ code }) => code },
          { head: 'name', wrap: true, value: ({ name }) => name },
          { head: 'adds', align: 'right', value: ({ qty }) => groupDigits(qty) },
          { head: 'of', value: ({ resource_kind }) => resource_kind },
          { head: 'cents', align: 'right', value: ({ price_cents }) => groupDigits(price_cents) },
          { head: 'starts', value: ({ starts_at: start }) => start },
          { head: 'ends', value: ({ ends_at: end }) => end },
        ],
        addons,
        'It has no addons.',
      ),
    ),
  ].join('\n');
}

/** `studio version 1`; without a plan, month end parks the tenant. */
function planText({ plan }: SubscriptionView): string {
  return plan === null ? 'none' : `${plan.code} version ${plan.version}`;
}

function statusFormat({ status }: SubscriptionView): Format | null {
  return status === 'active' ? null : 'dim';
}

export function renderPlans(plans: readonly PlanVersionView[]): string {
  return renderTable<PlanVersionView>(
    [
      { head: 'plan', value: ({ code }) => code },
      { head: 'version', align: 'right', value: ({ version }) => version },
      { head: 'name', wrap: true, value: ({ name }) => name },
      {
        head: 'base price',
        align: 'right',
        value: ({ base_price_cents, currency }) => formatMoney(base_price_cents, currency),
      },
      {
        head: 'includes',
        value: ({ items }) =>
          items
            .map(
              ({ resource_kind, included_qty }) => `${quantityText(included_qty)} ${resource_kind}`,
            )
            .join('\n'),
      },
    ],
    plans,
    'There are no plans.',
  );
}

export function renderPlan({ code, version, name, currency, ...plan }: PlanVersionView): string {
  return [
    `${style('bold', `Plan ${code}, version ${version}`)}${name === null ? '' : ` · ${name}`}`,
    `${formatMoney(plan.base_price_cents, currency)} a month; a part of a month ${
      plan.proration === 'daily' ? 'costs its days' : 'costs the whole month or nothing'
    }`,
    '',
    indent(
      renderTable(
        [
          { head: 'resource', value: ({ resource_kind }) => resource_kind },
          { head: 'name', wrap: true, value: (item) => item.name },
          { head: 'included', align: 'right', value: (item) => quantityText(item.included_qty) },
          {
            head: `overage, ${currency}`,
            align: 'right',
            value: ({ overage_price_cents: price }) =>
              price === null ? 'not billed' : formatAmount(price, currency),
          },
          { head: 'per', value: ({ overage_unit }) => overage_unit },
          {
            head: 'cap',
            align: 'right',
            value: ({ hard_cap_qty: cap }) => (cap === null ? null : groupDigits(cap)),
          },
        ],
        plan.items,
        'It includes nothing.',
      ),
    ),
  ].join('\n');
}

/** Null counts as 0 (docs/spec.md#overage). */
function quantityText(quantity: string | null): string {
  return groupDigits(quantity ?? 0);
}
