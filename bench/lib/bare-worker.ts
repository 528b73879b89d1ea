/**
 * A worker for `bench/workflows` with the product's settings, read from the same environment: what
 * the engine costs where the work is nothing.
 */
import { NativeConnection } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { listenForShutdown, untilAborted } from '../../src/shutdown.ts';
import { readTemporalTarget } from '../../src/temporal/connection.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { createWorker } from '../../src/worker.ts';
import type { BareActivities } from '../workflows/bare-activities.ts';

const bareActivities: BareActivities = { nothing: () => Promise.resolve() };

const { worker: config, logLevel } = readConfig(process.env);
const { connectionOptions, namespace } = readTemporalTarget(process.env);
const logger = createLogger({ level: logLevel, name: 'bare-worker' });
const shutdown = listenForShutdown();
installTemporalRuntime(logger);
const connection = await NativeConnection.connect(connectionOptions);
const worker = await createWorker({
  connection,
  namespace,
  config,
  // Only handed on: the workflows of the bundle know what they call.
  activities: bareActivities as unknown as Activities,
});
const run = worker.run();
logger.info('worker started');
await Promise.race([untilAborted(shutdown), run]);
if (worker.getState() === 'RUNNING') worker.shutdown();
await run;
await connection.close();
process.exit();
