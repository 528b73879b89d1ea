import { isServed, type NamedTenant } from '../../db/month-end/request-views.ts';
import { formatMoney } from '../../domain/format.ts';
import { style } from './style.ts';

/** What became of the tenants that a request named, a line each. */
export function renderNamedTenants(tenants: readonly NamedTenant[]): string {
  return tenants.map((tenant) => `${tenant.tenant_id}: ${describe(tenant)}`).join('\n');
}

/** `rolled, acme-000003 (revision 3), USD 274.26`, or `parked: no plan is known`. */
function describe(tenant: NamedTenant): string {
  const { outcome, reason, number, revision, currency, total_cents: total } = tenant;
  const said = outcome ?? 'not served';
  return [
    isServed(tenant) ? said : style('yellow', said) + (reason === null ? '' : `: ${reason}`),
    ...(number === null ? [] : [`${number} (revision ${revision})`]),
    ...(total === null || currency === null ? [] : [formatMoney(total, currency)]),
  ].join(', ');
}
