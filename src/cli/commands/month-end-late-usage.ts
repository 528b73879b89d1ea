import { Command } from 'commander';
import { listLateUsage, type LateTenant } from '../../audit/late-usage.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { formatMoney, groupDigits } from '../../domain/format.ts';
import { counted } from '../render/counted.ts';
import { renderTable } from '../render/table.ts';

export function monthEndLateUsageCommand(): Command {
  return new Command('late-usage')
    .description('list whose invoice of a month needs a re-run, and what it would add')
    .argument('<month>', 'such as 2026-05', monthArgument)
    .addHelpText(
      'after',
      `
Metered usage that came after the invoice changes its overage; an event that was excluded since is
still billed. Where the invoice is paid or void it is never rebuilt: the amount is to be settled by
hand. (Late LLM usage goes onto the next invoice by itself.)

Example:
  npm run cli -- month-end late-usage 2026-05`,
    )
    .action(async (month: Month, _options, command: Command) => {
      const tenants = await withDatabase(readEnvironment(process.env), (db) =>
        listLateUsage(db, month),
      );
      print(command, tenants, () =>
        renderTable<LateTenant>(
          [
            { head: 'tenant', value: (row) => row.tenant_id },
            { head: 'invoice', value: (row) => row.invoice },
            { head: 'what to do', value: (row) => row.action.replaceAll('_', ' ') },
            {
              head: 'would add',
              align: 'right',
              value: ({ would_add_cents: cents, currency }) =>
                cents === null || currency === null ? '?' : formatMoney(cents, currency),
            },
            { head: 'late usage', wrap: true, value: describeLate },
          ],
          tenants,
          'no invoice needs a re-run',
        ),
      );
    });
}

function describeLate({ late, excluded_events, problem }: LateTenant): string {
  return [
    ...late.map(
      ({ deployment_id, resource_kind, total }) =>
        `${deployment_id}: ${groupDigits(total)} ${resource_kind}`,
    ),
    ...(excluded_events > 0 ? [counted(excluded_events, 'excluded event')] : []),
    ...(problem === null ? [] : [problem]),
  ].join('\n');
}
