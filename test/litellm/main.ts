import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { ensureLitellm, type LitellmProxy } from '../../dev/litellm/litellm-proxy.ts';
import { NoPythonError } from '../../dev/python-tool.ts';
import { seededRandom } from '../../dev/random.ts';
import { stateFolder } from '../../src/cli/local-env.ts';
import { sql } from '../../src/db/sql.ts';
import { seedUsd } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import {
  compareAnswers,
  compareSums,
  readLedger,
  reconciliation,
  runCommand,
  sentLog,
  type Complaints,
} from './checks.ts';
import { readSpendLogs } from './own-spend.ts';
import { planRequests, sendRequests, type Answered } from './requests.ts';
import { KEYS, createLitellmWorld, type LitellmWorld } from './world.ts';

/**
 * `npm run test:litellm`: bills what two real LiteLLM proxies do while our API is killed twice, and compares it with
 * LiteLLM's own spend log. See `--help`.
 */

const HELP = `
Installs LiteLLM's proxy from PyPI into the cache the first time, which takes minutes, and needs no network
afterwards: its models answer by themselves. The proxies have no database. Their spend log is what LiteLLM
would insert into its table; only the insert is replaced (dev/litellm/gateway.py).

Exits with 1 after a failure, and with 3 if there is no Python or LiteLLM can't be installed.`;

/** The exit code if nothing was tested. */
const NOT_RUN = 3;
const CONCURRENCY = 8;
/** So that 500 requests take a minute, in which the API is away for half of it. */
const PAUSE_MS = 800;
/** The shares of the requests before which the API is killed, and for how long it stays away. */
const OUTAGES = [
  { after: 0.25, ms: 5_000 },
  // Longer than LiteLLM gives a callback.
  { after: 0.5, ms: 25_000 },
] as const;
const QUIET_TIMEOUT_MS = 240_000;
const LATE_DEPLOYMENT = 'latecomer-app';
const LOST_REQUESTS = 12;
/** Until LiteLLM has logged what it has answered. */
const LOGGED_AFTER_MS = 3_000;
/** Longer than LiteLLM gives a callback, 20 seconds; then until the next flush. */
const FULL_BATCH_OUTAGE_MS = 28_000;
const FULL_BATCH_REST_MS = 25_000;

function count(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('expected a whole number from 1 on');
}

function readOptions() {
  return new Command('npm run test:litellm --')
    .description(
      'Bills the requests of two real LiteLLM proxies and compares the sums with its own log.',
    )
    .option('--requests <count>', 'how many requests', count, 500)
    .option('--seed <seed>', 'the same seed plans the same requests', count, 1)
    .addHelpText('after', HELP)
    .parse()
    .opts<{ readonly requests: number; readonly seed: number }>();
}

async function main(): Promise<void> {
  const { requests, seed } = readOptions();
  const startedAt = Date.now();
  const say = (text: string) => {
    console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  };
  say('installing LiteLLM, unless it is there');
  const programs = ensureLitellm();
  await using world = await createLitellmWorld(programs);
  const proxies = await Promise.all([world.startProxy('proxy-1'), world.startProxy('proxy-2')]);
  say('PostgreSQL, the API and two proxies are up');

  const complaints: Complaints = [];
  const { answers, kills } = await sendWithOutages(world, proxies, { requests, seed, say });
  const logFiles = proxies.map(({ spendLogFile }) => spendLogFile);
  await untilQuiet(world, logFiles);
  say('all that LiteLLM has logged has arrived');

  const rows = readSpendLogs(logFiles);
  const compared = compareAnswers(answers, rows, complaints);
  const late = new Set([LATE_DEPLOYMENT]);
  const own = await compareSums(world.db, rows, late, complaints);
  for (const [deployment, { requests: billed, cents, unroundedCents }] of own) {
    say(`${deployment}: ${billed} requests, ${cents} cents (before rounding ${unroundedCents})`);
  }

  const log = join(world.folder, 'spend-log.ndjson');
  writeFileSync(log, logFiles.map((file) => readFileSync(file, 'utf8')).join(''));
  const held = await reconcile(world, log);
  expect(complaints, held, { missing: 0, unlogged: 0, different: 0, unreadable: 0 });
  const heldByUs = own.get(LATE_DEPLOYMENT);
  if (held.quarantined.charge_cents !== heldByUs?.cents) {
    complaints.push(
      `the quarantine has ${JSON.stringify(held.quarantined)}, not ${JSON.stringify(heldByUs)}`,
    );
  }
  say(`reconcile: ${held.equal} equal, ${held.quarantined.requests} in quarantine`);

  await seedUsd(world.db, 'latecomer', [LATE_DEPLOYMENT]);
  await runCommand(world, [
    ...[
      'quarantine',
      'release',
      '--tenant',
      'latecomer',
      '--reason',
      'the tenant was created late',
    ],
  ]);
  await compareSums(world.db, rows, new Set(), complaints);
  const released = await reconcile(world, log);
  expect(complaints, released, {
    missing: 0,
    quarantined: 0,
    unlogged: 0,
    different: 0,
    unreadable: 0,
  });
  say(`after the release: ${released.equal} equal, ${released.quarantined.requests} in quarantine`);

  const again = await sendLog(world, log);
  if (again.counts.accepted + again.counts.conflicts + again.unreadable > 0) {
    complaints.push(`the log sent again: ${JSON.stringify(again)}`);
  }
  say(
    `the log sent again: ${again.counts.duplicates} duplicates, ${again.counts.accepted} accepted`,
  );

  const losses: Record<string, Lost> = {};
  for (const loss of [STOPPED, fullBatches(world)]) {
    const { lost, backfilled, unlogged } = await loseAndBackfill(world, loss, complaints);
    losses[loss.name] = { lost, backfilled, unlogged };
    say(`${loss.name}: ${lost} of ${LOST_REQUESTS} lost, ${backfilled} sent from the log`);
  }

  const result = {
    passed: complaints.length === 0 ? 1 : 0,
    failures: complaints.length === 0 ? 0 : 1,
    seconds: Math.round((Date.now() - startedAt) / 1000),
    requests: answers.length,
    statuses: Object.fromEntries(
      [...Map.groupBy(answers, ({ status }) => status)].map(([status, of]) => [status, of.length]),
    ),
    kills,
    logged: rows.length,
    billed: rows.filter(({ spend }) => Number(spend) > 0).length,
    cacheHits: rows.filter(({ cacheHit }) => cacheHit).length,
    failed: rows.filter(({ status }) => status === 'failure').length,
    costsComparedWithClients: compared,
    deployments: Object.fromEntries(own),
    reconciled: held,
    sentAgain: again.counts,
    losses,
    complaints,
  };
  const folder = join(stateFolder(process.env), 'litellm');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'result.json'), JSON.stringify(result, null, 2));
  console.log(JSON.stringify(result, null, 2));
  for (const complaint of complaints) console.error(`WRONG: ${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
}

/** Sends the requests; at two points of them the API is killed, and started again later. */
async function sendWithOutages(
  world: LitellmWorld,
  proxies: readonly LitellmProxy[],
  { requests, seed, say }: { requests: number; seed: number; say: (text: string) => void },
): Promise<{ answers: readonly Answered[]; kills: number }> {
  const planned = planRequests(requests, {
    random: seededRandom(`litellm ${seed}`),
    keys: Object.keys(KEYS),
    proxies: proxies.length,
  });
  const outages = OUTAGES.map(({ after, ms }) => ({ at: Math.floor(after * requests), ms }));
  let outage = Promise.resolve();
  const answers = await sendRequests(planned, {
    proxyUrls: proxies.map(({ url }) => url),
    concurrency: CONCURRENCY,
    pauseMs: PAUSE_MS,
    onRequest(sent) {
      const due = outages.find(({ at }) => at === sent);
      if (due === undefined) return;
      outage = outage.then(async () => {
        await world.killApi();
        say(`the API is killed after ${sent} requests, for ${due.ms / 1000} s`);
        await sleep(due.ms);
        await world.startApi();
        say('the API is up again');
      });
    },
  });
  say(`${answers.length} requests answered`);
  await outage;
  return { answers, kills: outages.length };
}

/** Waits until LiteLLM has logged all requests and what has a cost is in the ledger or in quarantine. */
async function untilQuiet({ db }: LitellmWorld, logFiles: readonly string[]): Promise<void> {
  let logged = -1;
  await until(
    async () => {
      const before = logged;
      const rows = readSpendLogs(logFiles);
      logged = rows.length;
      const billed = rows.filter(({ spend }) => Number(spend) > 0).length;
      const { events } = await readLedger(db);
      const stored = [...events.values()].reduce((sum, { requests }) => sum + requests, 0);
      const held = await db.oneFirst(sql.type(z.object({ held: z.number() }))`
        SELECT count(*) AS held FROM quarantined_events WHERE charge_cents > 0`);
      await sleep(1_000);
      return { billed, arrived: stored + held, isStill: before === logged };
    },
    ({ billed, arrived, isStill }) => isStill && arrived >= billed,
    QUIET_TIMEOUT_MS,
  );
}

async function reconcile(world: LitellmWorld, log: string) {
  const { result } = await runCommand(world, ['usage', 'reconcile', log], { withKeys: true });
  return reconciliation.parse(result);
}

async function sendLog(world: LitellmWorld, log: string) {
  const args = ['usage', 'send', log, '--format', 'litellm'];
  const { result } = await runCommand(world, args, { withKeys: true });
  return sentLog.parse(result);
}

type Finding = 'missing' | 'quarantined' | 'unlogged' | 'different' | 'unreadable';

function expect(
  complaints: Complaints,
  found: z.infer<typeof reconciliation>,
  wanted: Readonly<Partial<Record<Finding, number>>>,
): void {
  for (const [name, requests] of Object.entries(wanted) as [Finding, number][]) {
    if (found[name].requests === requests) continue;
    complaints.push(`reconcile: ${name} is ${JSON.stringify(found[name])}, expected ${requests}`);
  }
}

const countEvents = ({ db }: LitellmWorld) =>
  db.oneFirst(sql.type(z.object({ count: z.number() }))`
    SELECT count(*) AS count FROM llm_usage_events`);

/** What became of requests that a proxy answered and didn't deliver. */
interface Lost {
  /** Requests that didn't arrive. */
  readonly lost: number;
  /** Those that arrived once LiteLLM's own log was sent. */
  readonly backfilled: number;
  /** Those that LiteLLM's own log lacks too. */
  readonly unlogged: number;
}

/** Loses requests in a way that docs/integrating.md warns of, and sends the proxy's spend log instead. */
async function loseAndBackfill(
  world: LitellmWorld,
  { name, env, losesLog, lose }: Loss,
  complaints: Complaints,
): Promise<Lost> {
  const before = await countEvents(world);
  const proxy = await world.startProxy(name, env);
  const key = 'sk-arcadia-juniper-api';
  const planned = Array.from({ length: LOST_REQUESTS }, (_, index) => ({
    ...{ kind: 'plain' as const, proxy: 0, key, headers: {} },
    body: { model: 'small', messages: [{ role: 'user', content: `${name} ${index}.` }] },
  }));
  await lose(proxy, async () => {
    await sendRequests(planned, { proxyUrls: [proxy.url], concurrency: 4, pauseMs: 0 });
    await sleep(LOGGED_AFTER_MS);
  });
  const lost = LOST_REQUESTS - ((await countEvents(world)) - before);
  const { counts } = await sendLog(world, proxy.spendLogFile);
  const unlogged = LOST_REQUESTS - ((await countEvents(world)) - before);
  const result = { lost, backfilled: counts.accepted, unlogged };
  const isAsDocumented = lost > 0 && (losesLog || unlogged === 0);
  if (!isAsDocumented || counts.accepted + unlogged !== lost) {
    complaints.push(`${name}: ${JSON.stringify({ ...result, counts })}: see docs/integrating.md`);
  }
  return result;
}

interface Loss {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether it may cost LiteLLM's own log too. */
  readonly losesLog: boolean;
  readonly lose: (proxy: LitellmProxy, send: () => Promise<void>) => Promise<void>;
}

/** A proxy that is stopped before it has sent its queue. */
const STOPPED: Loss = {
  name: 'stopped',
  env: { DEFAULT_FLUSH_INTERVAL_SECONDS: '3600' },
  losesLog: false,
  async lose(proxy, send) {
    await send();
    await proxy.stop();
  },
};

/**
 * A proxy whose batches fill up, as they do by default, in an outage that is longer than LiteLLM gives the callbacks of a
 * request. The one that writes the spend log comes after ours.
 */
function fullBatches(world: LitellmWorld): Loss {
  return {
    name: 'full batches',
    env: { DEFAULT_BATCH_SIZE: '5', DEFAULT_FLUSH_INTERVAL_SECONDS: '40' },
    losesLog: true,
    async lose(_, send) {
      await world.killApi();
      await send();
      await sleep(FULL_BATCH_OUTAGE_MS);
      await world.startApi();
      await sleep(FULL_BATCH_REST_MS);
    },
  };
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NoPythonError)) throw error;
  console.error(`LiteLLM was not tested: ${error.message}`);
  process.exitCode = NOT_RUN;
}
