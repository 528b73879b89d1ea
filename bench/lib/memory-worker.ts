/** The product's worker with activities that need no database; as its argument the tenants due. */
import { NativeConnection } from '@temporalio/worker';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { listenForShutdown, untilAborted } from '../../src/shutdown.ts';
import { readTemporalTarget } from '../../src/temporal/connection.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { createWorker } from '../../src/worker.ts';
import { createMemoryActivities } from './memory-activities.ts';

const { worker: config, logLevel } = readConfig(process.env);
const { connectionOptions, namespace } = readTemporalTarget(process.env);
const logger = createLogger({ level: logLevel, name: 'memory-worker' });
const shutdown = listenForShutdown();
installTemporalRuntime(logger);
const connection = await NativeConnection.connect(connectionOptions);
const activities = createMemoryActivities(Number(process.argv[2]));
const worker = await createWorker({ connection, namespace, config, activities });
const run = worker.run();
logger.info('worker started');
await Promise.race([untilAborted(shutdown), run]);
if (worker.getState() === 'RUNNING') worker.shutdown();
await run;
await connection.close();
process.exit();
