import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { listDueDeployments } from '../../db/month-end/due-deployments.ts';
import { monthBefore, type Month } from '../../domain/period.ts';
import { postAll } from '../../client/gateway/post-all.ts';
import { summarize, type PostSummary } from '../replay/replay-summary.ts';
import { mapTrace, type TraceDeployment } from '../replay/trace-events.ts';
import { NEEDED_COLUMNS, parseTrace, type MalformedRow } from '../replay/trace-file.ts';
import { createUsageClient } from '../../client/gateway/usage-client.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase, type Environment } from '../environment.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { readTextFile } from '../feed-file.ts';
import { note, print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly month: Month;
  readonly deployments?: readonly TraceDeployment[];
  readonly apiUrl?: string;
  readonly apiKey?: string;
  readonly concurrency: number;
  readonly skipMalformed?: boolean;
}

const SHOWN_ROWS = 20;
const RUN_AGAIN = 'What was taken counts once: run it again.';
const BATCH_SIZE = 500;

export function usageReplayCommand(): Command {
  return new Command('replay')
    .description('post a request trace to the API as LLM usage of a month')
    .argument('<file>', `CSV with the columns ${NEEDED_COLUMNS}`)
    .addOption(
      new Option('--month <month>', 'month to lay it on')
        .argParser(monthArgument)
        .default(monthBefore(new Date()), 'the month before this one'),
    )
    .option(
      '--deployments <list>',
      'tenant/deployment,… to lay it on; by default all that are due, from the database',
      parseDeployments,
    )
    .option('--api-url <url>', 'by default API_URL')
    .option('--api-key <key>', 'of scope gateway; by default GATEWAY_API_KEY')
    .option('--concurrency <count>', 'batches under way at once', integerArgument(1, 64), 4)
    .option('--skip-malformed', 'leave rows out that make no sense, instead of stopping')
    .addHelpText(
      'after',
      `
The trace's time is stretched over the month, its requests go round the deployments and are priced
exactly. All of it follows from file, month and deployments, ids included: to replay again adds
what is missing and counts nothing twice. A key that has to sign does so with
GATEWAY_SIGNING_SECRET. Exit code 3: some requests were rejected or are in conflict.

Example:
  npm run cli -- usage replay azure-llm-2023-code.csv --month 2026-05 --deployments acme/acme-a`,
    )
    .action(async (path: string, options: Options, command: Command) => {
      const { month, concurrency } = options;
      const csv = await readTextFile(path);
      const trace = parseTrace(csv);
      reportMalformed(basename(path), trace.malformed, options.skipMalformed ?? false);
      if (trace.requests.length === 0) throw new CliError(`${path} has no requests`);

      const env = readEnvironment(process.env);
      const client = createUsageClient(findApi(env, options));
      const deployments = options.deployments ?? (await readDeployments(env, month));
      const events = mapTrace(trace.requests, { month, deployments, traceId: hash(csv) });

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
      throw new InvalidArgumentError(`${JSON.stringify(pair)} is not like acme/acme-a`);
    }
    return { tenantId, deploymentId };
  });
}

/** Two traces that differ in a byte are two traces. */
function hash(csv: string): string {
  return createHash('sha256').update(csv).digest('hex').slice(0, 12);
}

function findApi(env: Environment, options: Options) {
  const apiUrl = options.apiUrl ?? env.API_URL;
  const apiKey = options.apiKey ?? env.GATEWAY_API_KEY;
  if (!apiUrl || !URL.canParse(apiUrl)) {
    throw new CliError('Where is the API? Set API_URL or --api-url, such as http://127.0.0.1:8080');
  }
  if (!apiKey) throw new CliError('Set GATEWAY_API_KEY or --api-key to a key of scope gateway');
  return { apiUrl, apiKey, signingSecret: env.GATEWAY_SIGNING_SECRET };
}

async function readDeployments(env: Environment, month: Month) {
  const deployments = await withDatabase(env, (db) => listDueDeployments(db, month));
  if (deployments.length === 0) throw new CliError(`No deployment is due in ${month}`);
  return deployments;
}

/** @throws CliError where they are not to be skipped; nothing has been posted then */
function reportMalformed(file: string, rows: readonly MalformedRow[], skip: boolean): void {
  if (rows.length === 0) return;
  const shown = rows.slice(0, SHOWN_ROWS).map(({ line, reason }) => `line ${line}: ${reason}`);
  const more = rows.length - shown.length;
  const list = [...shown, ...(more > 0 ? [`and ${more} more`] : [])];
  const rowsAre = rows.length === 1 ? 'a malformed row' : `${rows.length} malformed rows`;
  if (!skip) {
    throw new CliError(`${file} has ${rowsAre}, nothing was posted (--skip-malformed):`, { list });
  }
  note(`${file} has ${rowsAre}, left out:`, list);
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
    `In the ledger of this trace: exactly ${totalCents} cents`,
  ].join('\n');
}
