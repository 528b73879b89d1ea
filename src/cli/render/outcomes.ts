import type { TenantOutcome } from '../../db/month-end/outcome-views.ts';
import { formatAmount } from '../../domain/format.ts';
import { renderTable } from './table.ts';

/** What became of each tenant, and the reasons of those that are parked below. */
export function renderOutcomes(outcomes: readonly TenantOutcome[]): string {
  const table = renderTable<TenantOutcome>(
    [
      { head: 'tenant', value: (tenant) => tenant.tenant_id },
      {
        head: 'outcome',
        value: (tenant) => tenant.outcome ?? 'not looked at',
        format: ({ outcome }) => (outcome === 'parked' ? 'yellow' : null),
      },
      { head: 'invoice', value: (tenant) => tenant.number },
      { head: 'rev', align: 'right', value: (tenant) => tenant.revision },
      { head: 'subtotal', align: 'right', value: (tenant) => amount(tenant, 'subtotal_cents') },
      { head: 'GST', align: 'right', value: (tenant) => amount(tenant, 'tax_cents') },
      { head: 'total', align: 'right', value: (tenant) => amount(tenant, 'total_cents') },
      { head: '', value: ({ currency, total_cents }) => (total_cents === null ? '' : currency) },
    ],
    outcomes,
    'no tenant is due',
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
