import {
  findAccepted,
  findQuarantined,
  listAccepted,
  type KnownEvent,
  type PlacedEvent,
} from '../../db/usage/reconcile-usage.ts';
import type { Queryable } from '../../db/pool.ts';
import { Decimal, toDecimalString } from '../../domain/decimal.ts';
import type { QuarantineState } from '../../domain/quarantine.ts';
import { isSameRequest, type BilledRequest } from '../../ingestion/litellm/billed-request.ts';
import type { LoggedRequest } from './spend-log-file.ts';

/** What the API makes of an event of LiteLLM's callback. */
export type ReadEvent = (
  event: string,
) =>
  | { readonly kind: 'billed'; readonly request: BilledRequest }
  | { readonly kind: 'free'; readonly why: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

interface Example {
  readonly id: string;
  readonly tenant_id: string;
  readonly deployment_id: string;
  /** Exact cents; null: expired from the ledger. */
  readonly charge_cents: string | null;
}

/** Requests that only one side has, or that wait. */
export interface Finding {
  readonly requests: number;
  readonly charge_cents: string;
  /** The first few. */
  readonly examples: readonly Example[];
}

interface Difference {
  readonly id: string;
  readonly log: Omit<Example, 'id'>;
  readonly ledger: Omit<Example, 'id'>;
}

/** LiteLLM's log compared with the ledger, request by request. */
export interface Reconciliation {
  /** First and last start in the log; null: nothing in it costs anything. */
  readonly from: string | null;
  readonly to: string | null;
  /** Requests without a cost, by kind. They are in no ledger. */
  readonly without_cost: Readonly<Record<string, number>>;
  readonly equal: number;
  /** In the log, not in the ledger. */
  readonly missing: Finding;
  /** In the log, and held in quarantine. */
  readonly quarantined: Finding;
  /** In the log, and dismissed from quarantine: an operator decided that they aren't billed. */
  readonly dismissed: Finding;
  /** In the ledger for this time, not in the log. */
  readonly unlogged: Finding;
  /** In both, with another charge or deployment. */
  readonly different: { readonly requests: number; readonly examples: readonly Difference[] };
  /** Rows that no event could be made of. */
  readonly unreadable: {
    readonly requests: number;
    readonly examples: readonly { readonly request: number; readonly reason: string }[];
  };
  readonly deployments: readonly DeploymentSums[];
}

interface DeploymentSums {
  readonly tenant_id: string;
  readonly deployment_id: string;
  readonly log_requests: number;
  readonly log_cents: string;
  readonly ledger_requests: number;
  readonly ledger_cents: string;
}

export interface ReconcileOptions {
  readonly read: ReadEvent;
  /** Only this tenant's requests of the ledger are expected in the log. */
  readonly tenantId?: string | undefined;
}

const BATCH = 1_000;
const LEDGER_PAGE = 10_000;
const SHOWN = 20;
/** Ids of events that came from LiteLLM. */
const ID_PREFIX = 'litellm:';

/**
 * Compares requests of LiteLLM's log with the ledger, in both directions. Keeps the ids of the log in memory, about
 * 200 bytes each.
 */
export async function reconcile(
  db: Queryable,
  requests: AsyncIterable<LoggedRequest>,
  { read, tenantId }: ReconcileOptions,
): Promise<Reconciliation> {
  const report = createReport();
  const logged = new Set<string>();
  let batch: BilledRequest[] = [];
  const compareBatch = async (): Promise<void> => {
    const ids = batch.map(({ id }) => id);
    const accepted = await findAccepted(db, ids);
    const absent = ids.filter((id) => !accepted.has(id));
    const quarantined = await findQuarantined(db, absent);
    for (const request of batch) {
      report.compare(request, accepted.get(request.id), quarantined.get(request.id)?.state);
    }
    batch = [];
  };
  for await (const { number, event, reason } of requests) {
    const known = event === null ? ({ kind: 'unreadable', reason } as const) : read(event);
    if (known.kind === 'free') report.addFree(known.why);
    else if (known.kind === 'unreadable') report.addUnreadable(number, known.reason);
    else if (!logged.has(known.request.id)) {
      logged.add(known.request.id);
      batch.push(known.request);
      if (batch.length === BATCH) await compareBatch();
    }
  }
  await compareBatch();
  const { from, to } = report.span();
  if (from !== null && to !== null) {
    const filter = { prefix: ID_PREFIX, from, to, tenantId };
    for (let after: PlacedEvent | null = null; ;) {
      const page: readonly PlacedEvent[] = await listAccepted(db, filter, after, LEDGER_PAGE);
      for (const event of page) if (!logged.has(event.id)) report.addUnlogged(event);
      if (page.length < LEDGER_PAGE) break;
      after = page.at(-1) ?? null;
    }
  }
  return report.finish();
}

/** Whether both sides have the same requests with the same charges. */
export function isReconciled(report: Reconciliation): boolean {
  const { missing, quarantined, unlogged, different, unreadable } = report;
  return [missing, quarantined, unlogged, different, unreadable].every(
    ({ requests }) => requests === 0,
  );
}

function createReport() {
  const free: Record<string, number> = {};
  const missing = createFinding();
  const quarantined = createFinding();
  const dismissed = createFinding();
  const unlogged = createFinding();
  const differences: Difference[] = [];
  const unreadable: { request: number; reason: string }[] = [];
  const counts = { equal: 0, different: 0, unreadable: 0 };
  const sums = createSums();
  let [from, to]: [string | null, string | null] = [null, null];
  return {
    addFree(why: string): void {
      free[why] = (free[why] ?? 0) + 1;
    },
    addUnreadable(request: number, reason: string): void {
      counts.unreadable += 1;
      if (unreadable.length < SHOWN) unreadable.push({ request, reason });
    },
    addUnlogged(event: KnownEvent): void {
      unlogged.add(event);
      sums.add(event, 'ledger');
    },
    /** @param state in quarantine; undefined: it was never there */
    compare(
      request: BilledRequest,
      event: KnownEvent | undefined,
      state: QuarantineState | undefined,
    ): void {
      const { occurredAt } = request;
      if (from === null || occurredAt < from) from = occurredAt;
      if (to === null || occurredAt > to) to = occurredAt;
      sums.add(request, 'log');
      if (event === undefined) {
        if (state === undefined) missing.add(request);
        else (state === 'held' ? quarantined : dismissed).add(request);
        return;
      }
      sums.add(event, 'ledger');
      if (isSameRequest(request, event)) counts.equal += 1;
      else {
        counts.different += 1;
        if (differences.length < SHOWN) {
          const [log, ledger] = [toExample(request), toExample(event)];
          differences.push({ id: request.id, log, ledger });
        }
      }
    },
    span: () => ({ from, to }),
    finish: (): Reconciliation => ({
      from,
      to,
      without_cost: free,
      equal: counts.equal,
      missing: missing.finish(),
      quarantined: quarantined.finish(),
      dismissed: dismissed.finish(),
      unlogged: unlogged.finish(),
      different: { requests: counts.different, examples: differences },
      unreadable: { requests: counts.unreadable, examples: unreadable },
      deployments: sums.finish(),
    }),
  };
}

function createFinding() {
  let [requests, sum] = [0, new Decimal(0)];
  const examples: Example[] = [];
  return {
    add(event: KnownEvent): void {
      requests += 1;
      sum = sum.plus(event.chargeCents ?? 0);
      if (examples.length < SHOWN) examples.push({ id: event.id, ...toExample(event) });
    },
    finish: (): Finding => ({ requests, charge_cents: toDecimalString(sum), examples }),
  };
}

function toExample({ tenantId, deploymentId, chargeCents }: KnownEvent): Omit<Example, 'id'> {
  return { tenant_id: tenantId, deployment_id: deploymentId, charge_cents: chargeCents };
}

function createSums() {
  const zero = () => ({ requests: 0, cents: new Decimal(0) });
  const sums = new Map<
    string,
    { readonly of: KnownEvent; log: ReturnType<typeof zero>; ledger: ReturnType<typeof zero> }
  >();
  return {
    add(event: KnownEvent, side: 'log' | 'ledger'): void {
      const key = JSON.stringify([event.tenantId, event.deploymentId]);
      const sum = sums.get(key) ?? { of: event, log: zero(), ledger: zero() };
      sums.set(key, sum);
      sum[side].requests += 1;
      sum[side].cents = sum[side].cents.plus(event.chargeCents ?? 0);
    },
    finish: (): readonly DeploymentSums[] =>
      [...sums.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { of, log, ledger }]) => ({
          tenant_id: of.tenantId,
          deployment_id: of.deploymentId,
          log_requests: log.requests,
          log_cents: toDecimalString(log.cents),
          ledger_requests: ledger.requests,
          ledger_cents: toDecimalString(ledger.cents),
        })),
  };
}
