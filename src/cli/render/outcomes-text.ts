import type { TenantOutcome } from '../../db/month-end/outcome-views.ts';
import { outcomeName } from '../../contracts/month-end-types.ts';
import { formatAmount, formatMoney } from '../../domain/format.ts';
import { renderTable } from './text-table.ts';
import { isServed, type NamedTenant } from '../../db/month-end/request-views.ts';
import { style } from './styled-text.ts';

/** A table of the outcome per tenant, followed by the reasons of parked tenants. */
export function renderOutcomes(outcomes: readonly TenantOutcome[]): string {
  const table = renderTable<TenantOutcome>(
    [
      { head: 'tenant', value: (tenant) => tenant.tenant_id },
      {
        head: 'outcome',
        value: ({ outcome }) => (outcome === null ? 'not processed' : outcomeName(outcome)),
        format: ({ outcome }) => (outcome === 'parked' ? 'yellow' : null),
      },
      { head: 'invoice', value: (tenant) => tenant.number },
      { head: 'rev', align: 'right', value: (tenant) => tenant.revision },
      { head: 'subtotal', align: 'right', value: (tenant) => amount(tenant, 'subtotal_cents') },
      { head: 'tax', align: 'right', value: (tenant) => amount(tenant, 'tax_cents') },
      { head: 'total', align: 'right', value: (tenant) => amount(tenant, 'total_cents') },
      { head: '', value: ({ currency, total_cents }) => (total_cents === null ? '' : currency) },
    ],
    outcomes,
    'No tenant is due.',
  );
  const reasons = outcomes.flatMap(({ tenant_id, reason_type, reason }) =>
    reason === null ? [] : [`${tenant_id} is parked (${reason_type}): ${reason}.`],
  );
  return [table, ...reasons].join('\n');
}

function amount(
  tenant: TenantOutcome,
  column: 'subtotal_cents' | 'tax_cents' | 'total_cents',
): string {
  const cents = tenant[column];
  return cents === null ? '' : formatAmount(cents, tenant.currency);
}

/** The outcome of each tenant named in a request, a line each. */
export function renderNamedTenants(tenants: readonly NamedTenant[]): string {
  return tenants.map((tenant) => `${tenant.tenant_id}: ${describe(tenant)}`).join('\n');
}

/**
 * `invoiced, acme-000003 (revision 3), AUD 274.26`, `adjusted, acme-A000001, AUD -3.30`, or
 * `parked: no plan is known`.
 */
function describe(tenant: NamedTenant): string {
  const { outcome, reason, number, revision, currency, total_cents: total } = tenant;
  const said = outcome === null ? 'not served' : outcomeName(outcome);
  return [
    isServed(tenant) ? said : style('yellow', said) + (reason === null ? '' : `: ${reason}`),
    ...(number === null
      ? []
      : [outcome === 'adjusted' ? number : `${number} (revision ${revision})`]),
    ...(total === null || currency === null ? [] : [formatMoney(total, currency)]),
  ].join(', ');
}
