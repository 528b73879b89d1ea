import type { LateUsage } from '../../audit/late-usage.ts';
import { formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { counted } from './counted.ts';
import { style } from './style.ts';
import { indent, renderTable, type Column } from './table.ts';

/** Who has usage that no ordinary run of the month bills, what it comes to, and what bills it. */
export function renderLateUsage(month: string, entries: readonly LateUsage[]): string {
  if (entries.length === 0) return `${month} has no usage that an ordinary run leaves unbilled`;
  return [
    renderTable(COLUMNS, entries),
    '',
    style('bold', 'What to do'),
    ...entries.map(({ tenant_id, reason, what_to_do, command }) =>
      [
        `${tenant_id}, ${words(reason)}: ${what_to_do}`,
        ...(command === null ? [] : [indent(command)]),
      ].join('\n'),
    ),
  ].join('\n');
}

const COLUMNS: readonly Column<LateUsage>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'name', wrap: true, value: (row) => row.name },
  {
    head: 'reason',
    value: (row) => words(row.reason),
    format: ({ action }) => (action === 'none' ? null : 'yellow'),
  },
  { head: 'invoice', value: (row) => row.invoice },
  { head: 'would add', align: 'right', value: wouldAdd },
  { head: '', value: (row) => row.currency },
  { head: 'usage', wrap: true, value: describeLate },
];

/** With its sign: `+88.00`. */
function wouldAdd({ would_add_cents: cents, currency }: LateUsage): string {
  if (cents === null) return '?';
  return `${cents > 0 ? '+' : ''}${formatAmount(cents, currency)}`;
}

function words(code: string): string {
  return code.replaceAll('_', ' ');
}

function describeLate({ late, excluded_events, problem, currency }: LateUsage): string {
  return [
    ...late.map(({ deployment_id, resource_kind, total }) =>
      resource_kind === 'llm_usage'
        ? `${deployment_id}: LLM usage of ${formatMoney(total, currency)}`
        : `${deployment_id}: ${groupDigits(total)} ${resource_kind}`,
    ),
    ...(excluded_events > 0 ? [counted(excluded_events, 'excluded event')] : []),
    ...(problem === null ? [] : [problem]),
  ].join('\n');
}
