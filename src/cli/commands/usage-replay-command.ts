import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { listSubscribedDeployments } from '../../db/month-end/due-tenants.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import type { Month } from '../../domain/period.ts';
import { postAll } from '../../client/gateway/post-all.ts';
import { summarize, type PostSummary } from '../replay/replay-summary.ts';
import { mapTrace, type TraceDeployment } from '../replay/trace-events.ts';
import { NEEDED_COLUMNS, parseTrace, type MalformedRow } from '../replay/trace-file.ts';
import { createUsageClient } from '../../client/gateway/usage-client.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase, type Environment } from '../environment.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { readTextFile } from '../read-input-file.ts';
import { note, print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly month?: Month;
  readonly deployments?: readonly TraceDeployment[];
  readonly apiUrl?: string;
  readonly apiKey?: string;
  readonly concurrency: number;
  readonly skipMalformed?: boolean;
}

const SHOWN_ROWS = 20;
const RUN_AGAIN = 'Accepted events are not counted twice: run the command again to send the rest.';
const BATCH_SIZE = 500;

export function usageReplayCommand(): Command {
  return new Command('replay')
    .description('send a request trace to the API as LLM usage of a month')
    .argument('<file>', `CSV with the columns ${NEEDED_COLUMNS}`)
    .addOption(
      new Option('--month <month>', 'target month; default last month').argParser(monthArgument),
    )
    .option(
      '--deployments <list>',
      'comma-separated tenant/deployment pairs; default: all with a subscription in the month',
      parseDeployments,
    )
    .option('--api-url <url>', 'base URL of the API; default API_URL')
    .option('--api-key <key>', 'API key of scope gateway; default GATEWAY_API_KEY')
    .option('--concurrency <count>', 'number of concurrent batches', integerArgument(1, 64), 4)
    .option('--skip-malformed', 'skip malformed rows instead of failing')
    .addHelpText(
      'after',
      `
Stretches the trace's time over the month, assigns its requests to the deployments in turn and prices them
exactly. File, month and deployments determine all events, including their ids: replaying again sends what
is missing and counts nothing twice. If the key's requests must be signed, set GATEWAY_SIGNING_SECRET.
Exit code 3 means that some requests were rejected or are in conflict.

Example:
  npm run cli -- usage replay azure-llm-2023-code.csv --month 2026-05 --deployments acme/acme-a`,
    )
    .action(async (path: string, options: Options, command: Command) => {
      const { concurrency } = options;
      const csv = await readTextFile(path);
      const trace = parseTrace(csv);
      reportMalformed(basename(path), trace.malformed, options.skipMalformed ?? false);
      if (trace.requests.length === 0) throw new CliError(`${path} contains no requests`);

      const env = readEnvironment(process.env);
      const client = createUsageClient(findApi(env, options));
      const { period, deployments } = await readTarget(env, options);
      const { month } = period;
      const events = mapTrace(trace.requests, { period, deployments, traceId: hash(csv) });

      const what = { what: `Posting usage of ${month}`, unit: 'events', total: events.length };
      const results = await withProgress(
        what,
        (update) =>
          postAll(client, 'llm', events, {
            batchSize: BATCH_SIZE,
            concurrency,
            onProgress: update,
          }),
        RUN_AGAIN,
      );
      const summary = { month, ...summarize(events, results) };
      print(command, summary, (summary) => renderSummary(summary));
      if (summary.refused.length > 0) process.exitCode = EXIT_WRONG;
    });
}

function parseDeployments(list: string): readonly TraceDeployment[] {
  return list.split(',').map((pair) => {
    const [tenantId, deploymentId, more] = pair.trim().split('/');
    if (!tenantId || !deploymentId || more !== undefined) {
      throw new InvalidArgumentError(
        `expected tenant/deployment such as acme/acme-a, found ${JSON.stringify(pair)}`,
      );
    }
    return { tenantId, deploymentId };
  });
}

/** Identifies the trace by its content. */
function hash(csv: string): string {
  return createHash('sha256').update(csv).digest('hex').slice(0, 12);
}

function findApi(env: Environment, options: Options) {
  const apiUrl = options.apiUrl ?? env.API_URL;
  const apiKey = options.apiKey ?? env.GATEWAY_API_KEY;
  if (!apiUrl || !URL.canParse(apiUrl)) {
    throw new CliError(
      'The URL of the API is missing or invalid. Set API_URL or --api-url, such as http://127.0.0.1:8080.',
    );
  }
  if (!apiKey)
    throw new CliError(
      'The API key is missing. Set GATEWAY_API_KEY or --api-key to a key of scope gateway.',
    );
  return { apiUrl, apiKey, signingSecret: env.GATEWAY_SIGNING_SECRET };
}

/** Reads the target month in the billing time zone, and the deployments unless they were given. */
function readTarget(env: Environment, options: Options) {
  return withDatabase(env, async (db) => {
    const calendar = await loadCalendar(db);
    const period = calendar.periodOf(options.month ?? calendar.monthBefore(new Date()));
    const deployments = options.deployments ?? (await listSubscribedDeployments(db, period));
    if (deployments.length === 0) {
      throw new CliError(`No deployment has a subscription in ${period.month}`);
    }
    return { period, deployments };
  });
}

/** @throws CliError unless malformed rows are to be skipped; nothing has been sent then */
function reportMalformed(file: string, rows: readonly MalformedRow[], skip: boolean): void {
  if (rows.length === 0) return;
  const shown = rows.slice(0, SHOWN_ROWS).map(({ line, reason }) => `line ${line}: ${reason}`);
  const more = rows.length - shown.length;
  const list = [...shown, ...(more > 0 ? [`and ${more} more`] : [])];
  const rowsAre = rows.length === 1 ? 'a malformed row' : `${rows.length} malformed rows`;
  if (!skip) {
    throw new CliError(
      `${file} has ${rowsAre}; nothing was sent. Fix the file or use --skip-malformed:`,
      { list },
    );
  }
  note(`Skipped ${rowsAre} of ${file}:`, list);
}

function renderSummary({ counts, deployments, totalCents, refused }: PostSummary): string {
  return [
    `${counts.accepted} accepted, ${counts.duplicate} duplicates, ` +
      `${counts.conflict} conflicts, ${counts.rejected} rejected`,
    ...refused.map(({ id, status, reason }) => `  ${id} ${status}: ${reason}`),
    '',
    renderTable(
      [
        { head: 'tenant', value: (sum) => sum.tenant_id },
        { head: 'deployment', value: (sum) => sum.deployment_id },
        { head: 'requests', align: 'right', value: (sum) => sum.requests },
        { head: 'exact cents', value: (sum) => sum.charge_cents },
      ],
      deployments,
    ),
    '',
    `Total of this trace in the ledger: exactly ${totalCents} cents`,
  ].join('\n');
}
