import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { seededRandom } from '../../dev/random.ts';
import { createFaultWorld, type FaultWorld } from './fault-world.ts';
import { inject } from './inject.ts';
import { violationsAtRest } from './invariants.ts';
import { IssuedWatch } from './issued-digest.ts';
import type { Operator } from './operator.ts';
import { EARLIER_MONTH, MONTH, planPopulation, type Tenant } from './population.ts';
import { ownViolations } from './own-checks.ts';
import type { HeldConnection } from './postgres-proxy.ts';
import { replayMonths } from './replay.ts';
import { FAULT_KINDS, describeStep, planFaults, type FaultKind, type Step } from './schedule.ts';
import { standingViolations, type Violation } from './standing-checks.ts';
import { asSuperuserAgain } from './superuser.ts';

export interface SeedOptions {
  readonly seed: number;
  readonly tenants: number;
  /** Each kind of fault once. */
  readonly isShort?: boolean;
  /** None at all: to know how long a run takes by itself. */
  readonly withoutFaults?: boolean;
  /** The workflow code, bundled beforehand: workers start often here. */
  readonly workflowBundlePath: string;
  readonly log?: (line: string) => void;
}

export interface SeedResult {
  readonly seed: number;
  readonly tenants: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** Acknowledged events, the requests that carried them, and how many of those were repeats. */
  readonly events: number;
  readonly posts: number;
  readonly retriedPosts: number;
  readonly monthEndRequests: number;
  /** What the finance team did, as acknowledged. */
  readonly payments: number;
  readonly items: number;
  readonly credits: number;
  readonly voided: number;
  /** Live invoices, the revisions that they replaced, and the notes that adjust them. */
  readonly liveInvoices: number;
  readonly supersededInvoices: number;
  readonly notes: number;
  /** How often everything that holds at any time was checked. */
  readonly checks: number;
  readonly seconds: number;
  readonly violations: readonly Violation[];
  /** Where to look for the reasons of violations. */
  readonly logFolder: string | null;
}

/** Far more than anything takes that comes at all. */
const REST_TIMEOUT_MS = 300_000;
const LOOK_EVERY_MS = 250;

/** Runs the schedule of one seed against real servers and processes, and checks I1 to I7. */
export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { seed, tenants: tenantCount, isShort = false, workflowBundlePath } = options;
  const startedAt = Date.now();
  const log = (text: string) => {
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    options.log?.(`seed ${seed}, ${seconds.padStart(5)} s: ${text}`);
  };
  const plan = planFaults({ seed, tenants: tenantCount, isShort });
  const tenants = planPopulation(tenantCount, seededRandom(`population ${seed}`));
  await using world = await createFaultWorld({ seed, plan, tenants, workflowBundlePath });
  log('servers, worker, API and senders are up');

  const { operator, senders, finance, processes, logFolder } = world;
  const months = plan.closesEarlierMonth ? [MONTH, EARLIER_MONTH] : [MONTH];
  const run = new Run(world, { months, tenants, workflowBundlePath, log });
  try {
    for (const month of months) await operator.close(month);
    await run.inject(options.withoutFaults ? [] : plan.steps);
    log(`no more faults; ${senders.acknowledged.size} events so far`);
    // On a busy machine a short schedule is over before there is an invoice to replace.
    if (isShort) await operator.forceAll();
    await run.comeToRest();
    await run.checkAtRest();
  } catch (error) {
    run.violations.push({ invariant: 'rest', text: String(error) });
  }
  const ends = [...processes.worker.unexpectedEnds, ...processes.api.unexpectedEnds];
  run.violations.push(...ends.map((text) => ({ invariant: 'rest' as const, text })));
  run.violations.push(...senders.complaints.map((text) => ({ invariant: 'I2' as const, text })));
  run.violations.push(...finance.complaints.map((text) => ({ invariant: 'I6' as const, text })));
  if (run.violations.length > 0) world.keepLogs();
  return {
    seed,
    tenants: tenantCount,
    faults: run.faults,
    events: senders.acknowledged.size,
    posts: senders.counts.requests,
    retriedPosts: senders.counts.retries,
    monthEndRequests: operator.acknowledged.size,
    payments: finance.payments.size,
    items: finance.items.size,
    credits: finance.credits.size,
    voided: finance.voided.size,
    ...run.invoices,
    checks: run.checks,
    seconds: Math.round((Date.now() - startedAt) / 1000),
    violations: run.violations,
    logFolder: run.violations.length > 0 ? logFolder : null,
  };
}

interface RunOptions {
  readonly months: readonly string[];
  readonly tenants: readonly Tenant[];
  readonly workflowBundlePath: string;
  readonly log: (text: string) => void;
}

/** One run through a schedule, and what was found on the way. */
class Run {
  readonly faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  readonly violations: Violation[] = [];
  checks = 0;
  invoices = { liveInvoices: 0, supersededInvoices: 0, notes: 0 };
  readonly #world: FaultWorld;
  readonly #options: RunOptions;
  readonly #issued = new IssuedWatch();

  constructor(world: FaultWorld, options: RunOptions) {
    this.#world = world;
    this.#options = options;
  }

  async inject(steps: readonly Step[]): Promise<void> {
    const busy = keepBusy(this.#world);
    try {
      for (const step of steps) {
        await Promise.race([inject(step, this.#world), busy.failure]);
        this.faults[step.kind] += 1;
        this.#options.log(describeStep(step));
        await this.#checkNow(step);
      }
    } finally {
      await busy.stop();
    }
  }

  /** What holds at any time holds now. */
  async #checkNow(step: Step): Promise<void> {
    const found = await this.#look(async (client) => [
      ...(await standingViolations(client)),
      ...(await this.#issued.look(client)),
    ]);
    const when = `after "${describeStep(step)}"`;
    this.violations.push(
      ...found.map(({ invariant, text }) => ({ invariant, text: `${when}: ${text}` })),
    );
    this.checks += 1;
  }

  /** Without further faults: requests each month once more, and waits until all work is done. */
  async comeToRest(): Promise<void> {
    const { operator, senders, finance, silent } = this.#world;
    const { months, log } = this.#options;
    await within(REST_TIMEOUT_MS, 'a silent connection was never given up', silenced(silent));
    await within(REST_TIMEOUT_MS, 'some usage was never acknowledged', senders.finish());
    await within(
      REST_TIMEOUT_MS,
      'a request of the finance team was never answered',
      finance.finish(),
    );
    for (const month of months) await operator.close(month);
    await within(REST_TIMEOUT_MS, 'the run was never drained', drained(operator, months));
    log('everything has come to rest');
  }

  async checkAtRest(): Promise<void> {
    const { operator, senders, finance, client } = this.#world;
    const { months, tenants } = this.#options;
    const remembered = {
      acknowledged: senders.acknowledged,
      requests: [...operator.acknowledged.values()],
      tenants,
      months,
      issued: this.#issued,
      handled: finance,
    };
    this.violations.push(...(await this.#look((client) => violationsAtRest(client, remembered))));
    const { appUrl } = this.#world.servers.postgres;
    this.violations.push(...(await ownViolations(appUrl, months)));
    const { workflowBundlePath } = this.#options;
    const stuck = await replayMonths(client, months, workflowBundlePath);
    this.violations.push(...stuck.map((text) => ({ invariant: 'rest' as const, text })));
    this.checks += 1;
    this.invoices = await this.#look(countInvoices);
  }

  #look<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return asSuperuserAgain(this.#world.servers.postgres.superuserUrl, work);
  }
}

async function countInvoices(client: pg.Client) {
  const { rows } = await client.query<{ live: string; superseded: string; notes: string }>(`
    SELECT count(*) FILTER (WHERE kind = 'invoice' AND superseded_by IS NULL) AS live,
      count(*) FILTER (WHERE superseded_by IS NOT NULL) AS superseded,
      count(*) FILTER (WHERE kind = 'adjustment_note') AS notes FROM invoices`);
  return {
    liveInvoices: Number(rows[0]?.live),
    supersededInvoices: Number(rows[0]?.superseded),
    notes: Number(rows[0]?.notes),
  };
}

/** Faults need something to happen to: whenever the month has come to rest, it is rebuilt. */
function keepBusy({ operator, servers }: FaultWorld) {
  let isOver = false;
  async function watch(): Promise<void> {
    while (!isOver) {
      const waiting = await asSuperuserAgain(servers.postgres.superuserUrl, async (client) => {
        const { rowCount } = await client.query(
          `SELECT FROM month_end_requests WHERE state <> 'finished' LIMIT 1`,
        );
        return rowCount;
      });
      if (waiting === 0) await operator.forceAll();
      await sleep(LOOK_EVERY_MS);
    }
  }
  const running = watch();
  const failure = running.then(() => new Promise<never>(() => undefined));
  failure.catch(() => undefined);
  return {
    failure,
    async stop() {
      isOver = true;
      await running;
    },
  };
}

/** Waits until each month's workflow says that there is nothing left to do. */
async function drained(operator: Operator, months: readonly string[]): Promise<void> {
  while (!(await operator.isDrained(months).catch(() => false))) await sleep(LOOK_EVERY_MS);
}

/** Waits until every connection that went silent was given up. */
async function silenced(silent: readonly HeldConnection[]): Promise<void> {
  await Promise.all(silent.map(({ ended }) => ended));
}

/** @throws with the complaint where it takes longer */
async function within<T>(timeoutMs: number, complaint: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(complaint)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
