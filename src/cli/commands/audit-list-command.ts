import { Command, Option } from 'commander';
import {
  ACTION_OUTCOMES,
  listOperatorActions,
  type ActionFilters,
  type OperatorAction,
} from '../../db/month-end/operator-actions.ts';
import { instantArgument, integerArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import type { Format } from '../render/styled-text.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly actor?: string;
  readonly action?: string;
  readonly tenant?: string;
  readonly outcome?: ActionFilters['outcome'];
  readonly since?: Date;
  readonly limit: number;
}

export function auditListCommand(): Command {
  return new Command('list')
    .description('list the actions of operators and of the Schedule, latest first')
    .option('--actor <actor>', 'actor, such as key:ops, cli:anna, temporal:kim or schedule')
    .option(
      '--action <action>',
      'API operation, command or signal, such as voidInvoice, invoices.void or forceReRun',
    )
    .option('--tenant <id>', 'only actions that name this tenant, or an invoice of it')
    .addOption(
      new Option('--outcome <outcome>', 'only actions with this outcome').choices([
        ...ACTION_OUTCOMES,
      ]),
    )
    .option('--since <instant>', 'earliest instant, such as 2026-06-01T00:00:00Z', instantArgument)
    .option('--limit <count>', 'maximum number of actions', integerArgument(1, 10_000), 100)
    .addHelpText(
      'after',
      `
An action without an outcome is still running, or its process died; check the affected object to see whether
it took effect. --json adds each input, its digest and all named tenants.

Signals sent in the Temporal Web UI are recorded, too. Temporal doesn't record the sender: the actor is
temporal:NAME, with the name from the signal's data, or temporal:unnamed.

Examples:
  npm run cli -- audit list --tenant acme
  npm run cli -- audit list --since 2026-06-01T00:00:00Z --json`,
    )
    .action(async (options: Options, command: Command) => {
      const { actor, action, tenant, outcome, since, limit } = options;
      const actions = await withDatabase(readEnvironment(process.env), (db) =>
        listOperatorActions(
          db,
          { actor, action, tenantId: tenant, outcome, since: since?.toISOString() },
          { after: null, limit },
        ),
      );
      print(command, actions, (actions) =>
        renderTable<OperatorAction>(
          [
            { head: 'at', value: (row) => row.requested_at },
            { head: 'actor', value: (row) => row.actor },
            { head: 'action', value: (row) => row.action },
            { head: 'target', value: ({ target }) => JSON.stringify(target) },
            { head: 'tenants', wrap: true, value: tenantsOf },
            { head: 'reason', wrap: true, value: (row) => row.reason },
            { head: 'outcome', value: (row) => row.outcome, format: outcomeFormat },
            { head: 'detail', wrap: true, value: (row) => row.detail },
          ],
          actions,
          'No actions match.',
        ),
      );
      if (actions.length === limit)
        note(`Showing the latest ${limit} actions. Use --limit to see more.`);
    });
}

/** Tenants shown per row of the table. */
const SHOWN_TENANTS = 5;

function tenantsOf({ tenant_ids: tenantIds, all_tenants: all }: OperatorAction): string | null {
  if (all) return 'all due tenants';
  if (tenantIds === null) return null;
  const more = tenantIds.length - SHOWN_TENANTS;
  return tenantIds.slice(0, SHOWN_TENANTS).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function outcomeFormat({ outcome }: OperatorAction): Format | null {
  if (outcome === 'failed') return 'red';
  return outcome === 'refused' ? 'yellow' : null;
}
