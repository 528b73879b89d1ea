import { fileURLToPath } from 'node:url';
import type { NativeConnection } from '@temporalio/worker';
import {
  Worker,
  bundleWorkflowCode,
  type ActivityInterceptorsFactory,
  type InjectedSinks,
  type Logger,
  type WorkflowBundleOption,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Activities } from './activities/index.ts';
import type { Config } from './config.ts';
import { TASK_QUEUE } from './contracts/ids.ts';
import type { TracingSinks } from './contracts/tracing.ts';
import { heartbeatWhileRunning } from './temporal/heartbeat.ts';

const WORKFLOWS_PATH = fileURLToPath(new URL('./workflows/index.ts', import.meta.url));
/** In every bundle: where nobody traces they do nothing, and one bundle serves whoever turns it on. */
const INTERCEPTORS_PATH = fileURLToPath(new URL('./workflows/interceptors.ts', import.meta.url));
const PAYLOAD_CONVERTER_PATH = fileURLToPath(
  new URL('./temporal/payload-converter.ts', import.meta.url),
);

/** Bundles the workflow code, to build it once for many workers. */
export function bundleWorkflows(logger?: Logger): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    ...(logger && { logger }),
    workflowsPath: WORKFLOWS_PATH,
    workflowInterceptorModules: [INTERCEPTORS_PATH],
    payloadConverterPath: PAYLOAD_CONVERTER_PATH,
  });
}

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly config: Omit<Config['worker'], 'metrics'>;
  readonly activities: Activities;
  /** What is to be told of each activity. */
  readonly activityInterceptors?: readonly ActivityInterceptorsFactory[];
  /** Who takes the spans of workflows; by default nobody. */
  readonly sinks?: InjectedSinks<TracingSinks>;
  /** Workflow code bundled in this process, for several workers in it. */
  readonly workflowBundle?: WorkflowBundleOption;
}

/** A caller may trace what this worker doesn't. */
const UNTRACED: InjectedSinks<TracingSinks> = {
  tracing: { spanEnded: { fn: () => undefined, callDuringReplay: false } },
};

/** The worker: workflows and activities on the one task queue. Run it with `worker.run()`. */
export function createWorker(options: WorkerOptions): Promise<Worker> {
  const { connection, namespace, config, activities } = options;
  const workflowBundle =
    options.workflowBundle ??
    (config.workflowBundlePath === null ? null : { codePath: config.workflowBundlePath });
  return Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    ...(workflowBundle ? { workflowBundle } : { workflowsPath: WORKFLOWS_PATH }),
    dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
    activities,
    sinks: options.sinks ?? UNTRACED,
    interceptors: {
      // A bundle has them in it.
      ...(!workflowBundle && { workflowModules: [INTERCEPTORS_PATH] }),
      activity: [heartbeatWhileRunning, ...(options.activityInterceptors ?? [])],
    },
    ...(config.buildId !== null && {
      workerDeploymentOptions: {
        useWorkerVersioning: true,
        version: { deploymentName: config.deploymentName, buildId: config.buildId },
        // A month is open for weeks: it moves on with each build, and so needs no old workers.
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    }),
    maxConcurrentLocalActivityExecutions: config.maxConcurrentLocalActivities,
    maxConcurrentActivityTaskExecutions: config.maxConcurrentActivities,
    maxConcurrentWorkflowTaskExecutions: config.maxConcurrentWorkflowTasks,
    maxCachedWorkflows: config.maxCachedWorkflows,
    shutdownGraceTime: `${config.shutdownGraceSeconds} s`,
    // Local activities that retry while the database is away would never end.
    shutdownForceTime: `${config.shutdownGraceSeconds + 5} s`,
    workflowTaskPollerBehavior: { type: 'autoscaling' },
    activityTaskPollerBehavior: { type: 'autoscaling' },
  });
}
