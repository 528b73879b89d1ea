import { Command } from 'commander';
import { listLateUsage, MAX_LATE_ENTRIES, type LateUsage } from '../../audit/late-usage.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { counted, formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { style } from '../render/styled-text.ts';
import { indent, renderTable, type Column } from '../render/text-table.ts';

export function monthEndLateUsageCommand(): Command {
  return new Command('late-usage')
    .description('list usage of a month that is not billed automatically, and how to bill it')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .addHelpText(
      'after',
      `
Lists, by tenant and reason, the amount and the command that bills it: late metered usage, which needs a
rerun; metered usage of tenants or deployments without a subscription in the month, or of kinds that the
plan does not have; events excluded after their invoice was issued; and usage of void invoices, which a
forced rerun of the tenant bills. Late LLM usage that the tenant's next invoice will bill is listed too.

Example:
  npm run cli -- month-end late-usage 2026-05`,
    )
    .action(async (month: Month, _options, command: Command) => {
      const entries = await withDatabase(readEnvironment(process.env), (db, { worker }) =>
        listLateUsage(db, month, { bounds: worker.bounds }),
      );
      print(command, entries, (entries) => renderLateUsage(month, entries));
      if (entries.length === MAX_LATE_ENTRIES)
        note(`Showing only the first ${MAX_LATE_ENTRIES} entries.`);
    });
}

/** A table of usage that no ordinary run of the month bills, and what to do about each entry. */
function renderLateUsage(month: string, entries: readonly LateUsage[]): string {
  if (entries.length === 0) return `All usage of ${month} is billed, or will be.`;
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
