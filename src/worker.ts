import { fileURLToPath } from 'node:url';
import type { NativeConnection } from '@temporalio/worker';
import {
  Worker,
  bundleWorkflowCode,
  type ActivityInterceptorsFactory,
  type InjectedSinks,
  type Logger,
  type WorkerOptions as TemporalWorkerOptions,
  type WorkflowBundleOption,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Activities } from './activities/create-activities.ts';
import type { Config } from './config.ts';
import { TASK_QUEUE, WEBHOOKS_TASK_QUEUE } from './contracts/ids.ts';
import type { TracingSinks } from './contracts/trace-carrier.ts';

const WORKFLOWS_PATH = fileURLToPath(new URL('./workflows/all-workflows.ts', import.meta.url));
/** Included in every bundle: without tracing they do nothing, so one bundle serves both cases. */
const INTERCEPTORS_PATH = fileURLToPath(new URL('./workflows/interceptors.ts', import.meta.url));
const PAYLOAD_CONVERTER_PATH = fileURLToPath(
  new URL('./temporal/payload-converter.ts', import.meta.url),
);

/** Bundles the workflow code once for many workers. */
export function bundleWorkflows(logger?: Logger): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    ...(logger && { logger }),
    workflowsPath: WORKFLOWS_PATH,
    workflowInterceptorModules: [INTERCEPTORS_PATH],
    payloadConverterPath: PAYLOAD_CONVERTER_PATH,
  });
}

/** The activities of the month end. */
export type MonthActivities = Omit<Activities, 'deliverDueWebhooks'>;

export interface WorkerOptions<A = Activities> {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly config: Omit<Config['worker'], 'metrics'>;
  readonly activities: A;
  /** Interceptors of every activity. */
  readonly activityInterceptors?: readonly ActivityInterceptorsFactory[];
  /** Sinks for the spans of workflows; none by default. */
  readonly sinks?: InjectedSinks<TracingSinks>;
  /** Workflow code bundled in this process, for its workers. */
  readonly workflowBundle?: WorkflowBundleOption;
}

/** Well below the heartbeat timeout in `src/workflows/activity-proxies.ts`. Most activities end earlier. */
const HEARTBEAT_EVERY_MS = 1_000;

/** Maximum number of endpoints that one process delivers to concurrently, with up to 20 requests each. */
const WEBHOOK_SLOTS = 20;

/** How long after its grace time a worker waits for unfinished work before it gives up. */
export const FORCE_AFTER_GRACE_SECONDS = 5;

/** Needed because a caller may trace even if this worker doesn't. */
const UNTRACED: InjectedSinks<TracingSinks> = {
  tracing: { spanEnded: { fn: () => undefined, callDuringReplay: false } },
};

/** The workers of a process, which start and end together. */
export interface Workers {
  /**
   * Resolves when all have ended. If one ends, the others are shut down.
   * @throws the error of the first that failed; GracefulShutdownPeriodExpiredError if something
   *   didn't end within the force time
   */
  run(): Promise<void>;
  /** Accepts no more tasks; running activities get the grace time. Repeated calls do nothing. */
  shutdown(): void;
}

/**
 * Creates all workers of a process: one for workflows and the month end's activities, and one whose
 * slots are only for deliveries to webhook receivers.
 */
export async function createWorkers(options: WorkerOptions): Promise<Workers> {
  const { deliverDueWebhooks, ...activities } = options.activities;
  const workers = [
    await createWorker({ ...options, activities }),
    await createWebhookWorker({ ...options, activities: { deliverDueWebhooks } }),
  ];
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    async run() {
      const runs = workers.map((worker) => worker.run().finally(shutdown));
      // Waits for all, because a connection can't be closed while a worker uses it.
      for (const result of await Promise.allSettled(runs)) {
        if (result.status === 'rejected') throw result.reason;
      }
    },
    shutdown,
  };
}

/** Creates the worker for workflows and the month end's activities. Run it with `worker.run()`. */
export function createWorker(options: WorkerOptions<MonthActivities>): Promise<Worker> {
  const { config } = options;
  const workflowBundle =
    options.workflowBundle ??
    (config.workflowBundlePath === null ? null : { codePath: config.workflowBundlePath });
  return Worker.create({
    ...commonOptions(options),
    taskQueue: TASK_QUEUE,
    ...(workflowBundle ? { workflowBundle } : { workflowsPath: WORKFLOWS_PATH }),
    sinks: options.sinks ?? UNTRACED,
    interceptors: {
      // A bundle already contains them.
      ...(!workflowBundle && { workflowModules: [INTERCEPTORS_PATH] }),
      ...activityInterceptors(options),
    },
    maxConcurrentLocalActivityExecutions: config.maxConcurrentLocalActivities,
    maxConcurrentActivityTaskExecutions: config.maxConcurrentActivities,
    maxConcurrentWorkflowTaskExecutions: config.maxConcurrentWorkflowTasks,
    maxCachedWorkflows: config.maxCachedWorkflows,
    workflowTaskPollerBehavior: { type: 'autoscaling' },
  });
}

/** Creates a worker without workflow code, which needs neither a thread nor a heap for it. */
function createWebhookWorker(
  options: WorkerOptions<Pick<Activities, 'deliverDueWebhooks'>>,
): Promise<Worker> {
  return Worker.create({
    ...commonOptions(options),
    taskQueue: WEBHOOKS_TASK_QUEUE,
    interceptors: activityInterceptors(options),
    maxConcurrentActivityTaskExecutions: WEBHOOK_SLOTS,
  });
}

function activityInterceptors({ activityInterceptors: others = [] }: WorkerOptions<object>) {
  return { activity: [heartbeatWhileRunning, ...others] };
}

/** Sends heartbeats while a regular activity runs. Local activities need none. */
const heartbeatWhileRunning: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      if (context.info.isLocal) return next(input);
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(timer);
      }
    },
  },
});

function commonOptions({ connection, namespace, config, activities }: WorkerOptions<object>) {
  return {
    connection,
    namespace,
    activities,
    dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
    ...versioning(config),
    shutdownGraceTime: `${config.shutdownGraceSeconds} s`,
    // Local activities that retry while the database is unavailable would never end.
    shutdownForceTime: `${config.shutdownGraceSeconds + FORCE_AFTER_GRACE_SECONDS} s`,
    activityTaskPollerBehavior: { type: 'autoscaling' },
  } as const;
}

type Versioning = Pick<TemporalWorkerOptions, 'workerDeploymentOptions'>;

function versioning({ deploymentName, buildId }: WorkerOptions['config']): Versioning {
  if (buildId === null) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId },
      // A month is open for weeks; it moves to each new build, so it needs no old workers.
      defaultVersioningBehavior: 'AUTO_UPGRADE',
    },
  };
}
