import type { Database } from '../db/pool.ts';
import { type UsageSource, findDeployments, type Deployment } from '../db/usage/usage-ledger.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { appendLlmEvents, appendMeteredRecords } from './append-by-kind.ts';
import { OverloadedError } from '../lib/group-commit.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { LLM_USAGE } from './llm-event.ts';
import { METERED_USAGE } from './metered-record.ts';
import { prepareEvents, type FindDeployments } from './prepare-events.ts';
import { fillGaps, type UsageResult } from './results.ts';
import { checkTime, DEFAULT_TIME_BOUNDS, type TimeBounds } from './time-bounds.ts';
import type { Entry, SentEvent, UsageKind } from './usage-kind.ts';

/** Writes usage to the ledger. One per process, because it groups the commits of all requests. */
export interface Ingestion {
  /**
   * Validates and stores events as they were sent, each on its own.
   * @returns a result per event, in order, once the accepted events are committed
   * @throws OverloadedError; whatever the database throws. Nothing is lost if the same events are sent again.
   */
  ingest(
    source: UsageSource,
    events: readonly unknown[],
    options?: IngestOptions,
  ): Promise<readonly UsageResult[]>;
  /** Returns the number of events that wait or are being committed. */
  depth(source: UsageSource): number;
  /** Stops accepting events, and waits for those already accepted. */
  close(): Promise<void>;
}

export interface IngestOptions {
  /** Whether an operator sends the events, which may then be of any age. */
  readonly isBackfill?: boolean;
  /** Wait while the queue is full, instead of throwing. */
  readonly isPatient?: boolean;
}

export interface IngestionDeps {
  readonly db: Database;
  readonly now: () => Date;
  /** Called with the results of every call of `ingest`. */
  readonly onResults?: (source: UsageSource, results: readonly UsageResult[]) => void;
  /** Called after every group, whether it was committed or failed. */
  readonly onCommit?: (source: UsageSource, durationSeconds: number) => void;
  /** Called when a full queue rejects a submission. */
  readonly onOverload?: (source: UsageSource) => void;
  readonly limits?: Partial<IngestionLimits>;
  /** How old, and how far ahead, new usage may be; by default 62 days and 5 minutes. */
  readonly timeBounds?: TimeBounds;
}

export interface IngestionLimits {
  /** Concurrent transactions per source, each for separate deployments. */
  readonly maxConcurrent: number;
  readonly maxGroupItems: number;
  readonly maxQueuedItems: number;
}

export const DEFAULT_LIMITS: IngestionLimits = {
  maxConcurrent: 2,
  maxGroupItems: 2_000,
  maxQueuedItems: 20_000,
};

export function createIngestion(deps: IngestionDeps): Ingestion {
  const findDeployments = createDeploymentDirectory(deps.db);
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const timeBounds = deps.timeBounds ?? DEFAULT_TIME_BOUNDS;
  const isWorthTryingAlone = (error: unknown) => !isDatabaseUnavailable(error);
  const llmCommits = createLanes({
    ...limits,
    isWorthTryingAlone,
    commit: (entries: Parameters<typeof appendLlmEvents>[1]) =>
      timed('llm', () => appendLlmEvents(deps.db, entries)),
  });
  const meteredCommits = createLanes({
    ...limits,
    isWorthTryingAlone,
    commit: (entries: Parameters<typeof appendMeteredRecords>[1]) =>
      timed('metered', () => appendMeteredRecords(deps.db, entries)),
  });
  const checks = { db: deps.db, findDeployments, timeBounds, now: deps.now };
  const pipelines = {
    llm: createPipeline(LLM_USAGE, llmCommits, checks),
    metered: createPipeline(METERED_USAGE, meteredCommits, checks),
  };
  const commits = { llm: llmCommits, metered: meteredCommits };

  async function timed<T>(source: UsageSource, commit: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await commit();
    } finally {
      deps.onCommit?.(source, (performance.now() - startedAt) / 1000);
    }
  }

  return {
    async ingest(source, events, options = {}) {
      try {
        const results = await pipelines[source](events, options);
        deps.onResults?.(source, results);
        return results;
      } catch (error) {
        if (error instanceof OverloadedError) deps.onOverload?.(source);
        throw error;
      }
    },
    depth: (source) => commits[source].depth,
    async close() {
      await Promise.all([llmCommits.close(), meteredCommits.close()]);
    },
  };
}

type Pipeline = (
  events: readonly unknown[],
  options: IngestOptions,
) => Promise<readonly UsageResult[]>;

/** The dependencies of validation. */
interface Checks {
  readonly db: Database;
  readonly findDeployments: FindDeployments;
  readonly timeBounds: TimeBounds;
  readonly now: () => Date;
}

/** Returns a function that parses, checks and commits events. */
function createPipeline<Event extends SentEvent, E extends Entry>(
  kind: UsageKind<Event, E>,
  commits: Lanes<E, UsageResult>,
  { db, findDeployments, timeBounds, now }: Checks,
): Pipeline {
  return async (events, { isBackfill = false, isPatient = false }) => {
    const receivedAt = now();
    const { refusals, entries } = await prepareEvents(kind, events, {
      db,
      findDeployments,
      checkTime: (occurredAt) => checkTime(occurredAt, receivedAt, timeBounds, isBackfill),
    });
    const committed = isPatient ? commits.submitWhenRoom(entries) : commits.submit(entries);
    return fillGaps(refusals, await committed);
  };
}

/** Enough for the deployments that are active at one time; about 20 MB. */
const MAX_CACHED = 100_000;

/**
 * Returns a cached lookup of deployments. Only found ones are cached, because they never change; one that
 * wasn't found may be created at any time.
 */
function createDeploymentDirectory(db: Database): FindDeployments {
  const cache = new Map<string, Deployment>();

  function remember(deployment: Deployment): void {
    const [oldest] = cache.size >= MAX_CACHED ? cache.keys() : [];
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(deployment.deploymentId, deployment);
  }

  return async (deploymentIds) => {
    const found = new Map<string, Deployment>();
    const unknown: string[] = [];
    for (const id of new Set(deploymentIds)) {
      const deployment = cache.get(id);
      if (deployment) found.set(id, deployment);
      else unknown.push(id);
    }
    if (unknown.length === 0) return found;
    for (const deployment of await findDeployments(db, unknown)) {
      remember(deployment);
      found.set(deployment.deploymentId, deployment);
    }
    return found;
  };
}
