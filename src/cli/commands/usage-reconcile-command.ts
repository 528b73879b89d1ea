import { Command, Option } from 'commander';
import { DEFAULT_COST_CURRENCY } from '../../db/access/api-keys.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { EXIT_WRONG } from '../cli-error.ts';
import { readKeyMetadata } from '../litellm/key-metadata.ts';
import {
  isReconciled,
  reconcile,
  type Finding,
  type Reconciliation,
} from '../litellm/reconcile.ts';
import { readEventOf } from '../litellm/read-event.ts';
import { readSpendLog } from '../litellm/spend-log-file.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { sizeOf } from '../read-input-file.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly keys?: string;
  readonly teams?: string;
  readonly tenant?: string;
  readonly currency: string;
}

export function usageReconcileCommand(): Command {
  return new Command('reconcile')
    .description("compare LiteLLM's own spend log with the ledger, request by request")
    .argument('<file>', 'answers of /spend/logs/v2, one after another, or their rows')
    .addOption(
      new Option('--format <format>', "the gateway's log").choices(['litellm']).default('litellm'),
    )
    .option('--keys <file>', "LiteLLM's keys, as for `usage send`")
    .option('--teams <file>', "LiteLLM's teams, likewise")
    .option('--tenant <id>', "the log has only this tenant's requests")
    .option('--currency <code>', "currency of LiteLLM's price list", DEFAULT_COST_CURRENCY)
    .addHelpText(
      'after',
      `
Lists requests that cost something and are missing from the ledger, requests that are held in quarantine,
requests of the same time that only the ledger has, and requests whose charge or deployment differs. To bill
missing requests, send the same file with \`usage send --format litellm\`. Exit code 3: the two differ.

Example:
  npm run cli -- usage reconcile spend-logs.json --keys keys.json --teams teams.json`,
    )
    .action(async (path: string, options: Options, command: Command) => {
      const findMetadata = await readKeyMetadata(options);
      const what = { what: 'Comparing', unit: 'bytes', total: await sizeOf(path) };
      const report = await withProgress(what, (onProgress) =>
        withDatabase(readEnvironment(process.env), (db, { api: { litellmFreeModels } }) =>
          reconcile(db, readSpendLog(path, { findMetadata, onProgress }), {
            read: readEventOf(options.currency, litellmFreeModels),
            tenantId: options.tenant,
          }),
        ),
      );
      print(command, report, renderReconciliation);
      if (!isReconciled(report)) process.exitCode = EXIT_WRONG;
    });
}

function renderReconciliation(report: Reconciliation): string {
  const { from, to, equal, missing, quarantined, unlogged, different, unreadable } = report;
  const free = Object.entries(report.without_cost).map(([why, count]) => `${why} ${count}`);
  return [
    from === null
      ? 'No request in the file has a cost.'
      : `Requests from ${from} to ${String(to)}:`,
    `equal ${equal}, missing ${missing.requests}, in quarantine ${quarantined.requests}, ` +
      `only in the ledger ${unlogged.requests}, different ${different.requests}, unreadable ${unreadable.requests}`,
    ...(free.length > 0 ? [`without cost: ${free.join(', ')}`] : []),
    ...(report.dismissed.requests > 0 ? [`dismissed ${report.dismissed.requests}`] : []),
    '',
    renderTable(
      [
        { head: 'tenant', value: (row) => row.tenant_id },
        { head: 'deployment', value: (row) => row.deployment_id },
        { head: 'requests in log', align: 'right', value: (row) => row.log_requests },
        { head: 'exact cents', align: 'right', value: (row) => row.log_cents },
        { head: 'in ledger', align: 'right', value: (row) => row.ledger_requests },
        { head: 'exact cents', align: 'right', value: (row) => row.ledger_cents },
      ],
      report.deployments,
    ),
    ...renderFinding('Missing from the ledger', missing),
    ...renderFinding('In quarantine (see `quarantine list`)', quarantined),
    ...renderFinding('Only in the ledger', unlogged),
    ...listed(
      'Different',
      different.requests,
      different.examples.map(
        ({ id, log, ledger }) =>
          `${id}: log ${log.deployment_id} ${log.charge_cents ?? ''}, ` +
          `ledger ${ledger.deployment_id} ${ledger.charge_cents ?? ''}`,
      ),
    ),
    ...listed(
      'Unreadable',
      unreadable.requests,
      unreadable.examples.map(({ request, reason }) => `request ${request}: ${reason}`),
    ),
  ].join('\n');
}

function renderFinding(title: string, { requests, charge_cents, examples }: Finding): string[] {
  return listed(
    `${title}, exactly ${charge_cents} cents`,
    requests,
    examples.map(
      ({ id, deployment_id, charge_cents: cents }) => `${id}: ${deployment_id} ${cents ?? ''}`,
    ),
  );
}

function listed(title: string, count: number, examples: readonly string[]): string[] {
  if (count === 0) return [];
  const more = count - examples.length;
  return [
    '',
    `${title}:`,
    ...examples.map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
