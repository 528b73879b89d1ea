import { Command } from 'commander';
import { listExclusions, type Exclusion } from '../../db/usage/usage-exclusions.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { formatUsage } from '../../domain/format.ts';
import { renderTable } from '../render/text-table.ts';

const LIMIT = 1000;

export function usageExclusionsCommand(): Command {
  return new Command('exclusions')
    .description('list the events of a month that were excluded from billing')
    .argument('<month>', 'service month, such as 2026-05', monthArgument)
    .addHelpText('after', '\nExample:\n  npm run cli -- usage exclusions 2026-05')
    .action(async (month: Month, _options, command: Command) => {
      const exclusions = await withDatabase(readEnvironment(process.env), (db) =>
        listExclusions(db, month, LIMIT),
      );
      print(command, exclusions, (exclusions) =>
        renderTable<Exclusion>(
          [
            { head: 'event', value: (row) => row.event_id },
            { head: 'tenant', value: (row) => row.tenant_id },
            { head: 'kind', value: (row) => row.resource_kind },
            {
              head: 'amount',
              align: 'right',
              value: (row) => formatUsage(row.amount, row.currency),
            },
            { head: 'still billed on', value: (row) => row.still_billed_on },
            { head: 'actor', value: (row) => row.actor },
            { head: 'reason', wrap: true, value: (row) => row.reason },
          ],
          exclusions,
          'No events are excluded.',
        ),
      );
      if (exclusions.length === LIMIT) note(`Showing only the latest ${LIMIT} exclusions.`);
    });
}
