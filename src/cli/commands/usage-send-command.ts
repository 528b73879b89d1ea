import { Command, Option } from 'commander';
import { sendFile } from '../../client/gateway/send-file.ts';
import { createLitellmClient } from '../../client/gateway/litellm-client.ts';
import type { LineAnswer } from '../../client/gateway/send-stream.ts';
import type { UsageEndpoint } from '../../client/gateway/usage-client.ts';
import { readEnvironment, type Environment } from '../environment.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { isAllBilled, renderSentSpendLog, sendSpendLog } from '../litellm/send-spend-log.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { sizeOf } from '../read-input-file.ts';

interface Options {
  readonly source?: UsageEndpoint;
  readonly format: 'events' | 'litellm';
  readonly keys?: string;
  readonly teams?: string;
  readonly currency?: string;
  readonly apiUrl?: string;
  readonly backfillReason?: string;
}

const SHOWN_LINES = 20;
const RUN_AGAIN = 'Accepted events are not counted twice: run the command again to send the rest.';
const KEYS = { llm: 'GATEWAY_API_KEY', metered: 'METERING_API_KEY' } as const;

export function usageSendCommand(): Command {
  return new Command('send')
    .description("send a file of usage events, or of LiteLLM's spend log, to the API")
    .argument('<file>', 'file of any size')
    .addOption(
      new Option(
        '--source <source>',
        'kind of usage in the file; required for --format events',
      ).choices(Object.keys(KEYS)),
    )
    .addOption(
      new Option(
        '--format <format>',
        "events: a JSON object per line; litellm: LiteLLM's spend log",
      )
        .choices(['events', 'litellm'])
        .default('events'),
    )
    .option('--keys <file>', "LiteLLM's keys, for --format litellm: see below")
    .option('--teams <file>', "LiteLLM's teams, likewise")
    .option('--currency <code>', "currency of LiteLLM's costs; default that of the key, or USD")
    .option('--api-url <url>', 'base URL of the API; default API_URL')
    .option(
      '--backfill-reason <text>',
      'reason for sending usage of any age as an operator (OPERATOR_API_KEY)',
    )
    .addHelpText(
      'after',
      `
The key is read from ${KEYS.llm} or ${KEYS.metered}. If sending fails, fix the cause and run the
command again; accepted events are not counted twice. Corrections that arrive before their record are
retried after everything else. Exit code 3 means that some lines were rejected, are in conflict, or correct
an unknown record.

--format litellm takes the answers of LiteLLM's /spend/logs/v2, one after another, or their rows. Requests
that its callback has delivered are duplicates. The log lacks the metadata of keys. If it names tenants and
deployments, export the keys (/key/list?return_full_object=true, again with status=deleted) and the teams
(/team/list), and give both files. A row whose key or team they lack is not sent. Exit code 3 means that some
requests are in quarantine or could not be read.

Examples:
  npm run cli -- usage send may.ndjson --source metered
  npm run cli -- usage send spend-logs.json --format litellm --keys keys.json --teams teams.json`,
    )
    .action(async (path: string, options: Options, command: Command) => {
      if (options.format === 'litellm') await sendLitellm(path, options, command);
      else await sendEvents(path, options, command);
    });
}

async function sendEvents(path: string, options: Options, command: Command): Promise<void> {
  const env = readEnvironment(process.env);
  const { source, backfillReason, keys, teams, currency } = options;
  if (source === undefined) throw new CliError('--format events requires --source.');
  if ((keys ?? teams ?? currency) !== undefined) {
    throw new CliError('--keys, --teams and --currency require --format litellm.');
  }
  const sent = createTally();
  const what = { what: 'Sending', unit: 'bytes', total: await sizeOf(path) };
  await withProgress(
    what,
    (update) =>
      sendFile(path, {
        apiUrl: findApiUrl(env, options),
        apiKey: findKey(env, source, backfillReason),
        source,
        backfillReason,
        onProgress: update,
        onAnswer: sent.add,
      }),
    RUN_AGAIN,
  );
  const { counts, refused } = sent;
  print(command, { counts, refused }, ({ counts, refused }) => render(counts, refused));
  if (refusedOf(counts) > 0) process.exitCode = EXIT_WRONG;
}

async function sendLitellm(path: string, options: Options, command: Command): Promise<void> {
  const env = readEnvironment(process.env);
  const { source = 'llm', backfillReason, currency, keys, teams } = options;
  if (source !== 'llm') throw new CliError('--format litellm is for --source llm only.');
  const post = createLitellmClient({
    apiUrl: findApiUrl(env, options),
    apiKey: findKey(env, source, backfillReason),
    signingSecret: env.GATEWAY_SIGNING_SECRET,
    backfillReason,
    currency,
    isLog: true,
  });
  const what = { what: 'Sending', unit: 'bytes', total: await sizeOf(path) };
  const sent = await withProgress(
    what,
    (update) => sendSpendLog(path, { post, keys, teams, onProgress: update }),
    RUN_AGAIN,
  );
  print(command, sent, renderSentSpendLog);
  if (!isAllBilled(sent)) process.exitCode = EXIT_WRONG;
}

function createTally() {
  const counts = { accepted: 0, duplicate: 0, conflict: 0, retry_later: 0, rejected: 0 };
  const refused: LineAnswer[] = [];
  return {
    counts,
    /** Only the first few: a file may have millions. */
    refused,
    add: (answer: LineAnswer): void => {
      counts[answer.status] += 1;
      const isStored = answer.status === 'accepted' || answer.status === 'duplicate';
      if (!isStored && refused.length < SHOWN_LINES) refused.push(answer);
    },
  };
}

function refusedOf({ conflict, retry_later, rejected }: ReturnType<typeof createTally>['counts']) {
  return conflict + retry_later + rejected;
}

function findApiUrl(env: Environment, options: Options): string {
  const apiUrl = options.apiUrl ?? env.API_URL;
  if (apiUrl && URL.canParse(apiUrl)) return apiUrl;
  throw new CliError(
    'The URL of the API is missing or invalid. Set API_URL or --api-url, such as http://127.0.0.1:8080.',
  );
}

function findKey(env: Environment, source: UsageEndpoint, backfillReason?: string): string {
  const name = backfillReason === undefined ? KEYS[source] : 'OPERATOR_API_KEY';
  const key = env[name];
  if (key) return key;
  throw new CliError(`The API key is missing. Set ${name}.`);
}

function render(
  counts: ReturnType<typeof createTally>['counts'],
  refused: readonly LineAnswer[],
): string {
  const { accepted, duplicate, conflict, rejected, retry_later: early } = counts;
  const more = refusedOf(counts) - refused.length;
  return [
    `accepted ${accepted}, duplicate ${duplicate}, conflict ${conflict}, rejected ${rejected}`,
    ...(early > 0
      ? [`retry later ${early}: send the file again once the records that they correct are stored`]
      : []),
    ...refused.map(({ line, status, reason }) => `  line ${line} ${status}: ${reason ?? ''}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}
