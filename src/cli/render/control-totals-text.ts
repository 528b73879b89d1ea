import type { ControlTotal } from '../../db/usage/control-totals.ts';
import type { ComparisonCounts } from '../../db/usage/compare-control-totals.ts';
import type { ComparedRow } from '../../db/usage/gateway-totals.ts';
import { counted, formatMoney, groupDigits } from '../../domain/format.ts';
import { showFigures, type UsageFigures } from '../../domain/gateway-totals.ts';
import type { Column } from './text-table.ts';

/** How many deployments agree, differ, or have no control total. */
export function countsText({ equal, unequal, unstated }: ComparisonCounts): string {
  return `${counted(equal, 'deployment')} equal, ${counted(unequal, 'deployment')} not equal, ${counted(unstated, 'deployment')} with LLM usage but no total.`;
}

/** The columns of compared days. */
export const COMPARED_ROWS: readonly Column<ComparedRow>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'deployment', value: (row) => row.deployment_id },
  { head: 'day', value: (row) => row.day ?? 'whole month' },
  {
    head: 'state',
    value: (row) => row.state,
    format: ({ state }) => (state === 'different' ? 'red' : state === 'accepted' ? null : 'yellow'),
  },
  { head: 'stated', align: 'right', value: (row) => figures(row.stated, row) ?? 'none' },
  { head: 'ledger', align: 'right', value: (row) => figures(row.ledger, row) },
  {
    head: 'held in quarantine',
    align: 'right',
    value: (row) => (row.held.requests === '0' ? null : figures(row.held, row)),
  },
  {
    head: 'accepted',
    wrap: true,
    value: ({ acceptance }) => acceptance && `${acceptance.actor}: ${acceptance.reason}`,
  },
];

/** The columns of totals as the gateway stated them. */
export const STATED_TOTALS: readonly Column<ControlTotal>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'deployment', value: (row) => row.deployment_id },
  { head: 'day', value: (row) => row.day },
  { head: 'requests', align: 'right', value: (row) => groupDigits(row.requests) },
  { head: 'sum', align: 'right', value: (row) => formatMoney(row.charge_cents, row.currency) },
  { head: 'revision', align: 'right', value: (row) => row.revision },
  { head: 'stated by', value: (row) => row.actor },
  { head: 'at', value: (row) => row.stated_at },
];

function figures(value: UsageFigures | null, { currency }: ComparedRow): string | null {
  return value && showFigures(value, currency);
}
