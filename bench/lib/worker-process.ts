import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { bundleWorkflows } from '../../src/worker.ts';
import { startMeasured, type MeasuredProcess } from './measured-process.ts';
import type { BenchDatabase, BenchNamespace, BenchServers } from './servers.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const START = path('../../src/start.ts');
const BARE_WORKER = path('./bare-worker.ts');
const BARE_WORKFLOWS = path('../workflows/index.ts');
const PAYLOAD_CONVERTER = path('../../src/temporal/payload-converter.ts');

export interface WorkerOptions {
  readonly servers: BenchServers;
  readonly database: BenchDatabase;
  readonly namespace: BenchNamespace;
  /** The worker's settings in addition to the addresses, such as `WORKER_MAX_CONNECTIONS`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[] | undefined;
  /** Runs the worker at the lowest CPU priority. */
  readonly yieldsCpu?: boolean;
}

/** Starts the product's worker from a bundle, as `npm start -- worker` does in production. */
export async function startWorkerProcess(options: WorkerOptions): Promise<MeasuredProcess> {
  return start(options, START, ['worker'], await productBundle());
}

/** Starts a worker with the same settings for `bench/workflows`, whose only activity does nothing. */
export async function startBareWorkerProcess(options: WorkerOptions): Promise<MeasuredProcess> {
  return start(options, BARE_WORKER, [], await bareBundle());
}

let lastWorker = 0;

function start(
  { servers, database, namespace, env = {}, nodeFlags = [], yieldsCpu = false }: WorkerOptions,
  script: string,
  args: readonly string[],
  bundle: string,
): Promise<MeasuredProcess> {
  lastWorker += 1;
  const bundlePath = join(servers.folder, `bundle-${lastWorker}.js`);
  writeFileSync(bundlePath, bundle);
  return startMeasured({
    script,
    args,
    nodeFlags,
    yieldsCpu,
    readyText: 'worker started',
    logFile: join(servers.folder, `worker-${lastWorker}.log`),
    env: {
      DATABASE_URL: database.workerUrl,
      TEMPORAL_ADDRESS: servers.temporalAddress,
      TEMPORAL_NAMESPACE: namespace.namespace,
      WORKFLOW_BUNDLE: bundlePath,
      ...env,
    },
  });
}

const quiet = new DefaultLogger('WARN');
let product: Promise<string> | undefined;
let bare: Promise<string> | undefined;

function productBundle(): Promise<string> {
  product ??= bundleWorkflows(quiet).then(({ code }) => code);
  return product;
}

function bareBundle(): Promise<string> {
  bare ??= bundleWorkflowCode({
    logger: quiet,
    workflowsPath: BARE_WORKFLOWS,
    payloadConverterPath: PAYLOAD_CONVERTER,
  }).then(({ code }) => code);
  return bare;
}
