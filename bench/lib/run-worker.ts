import { NativeConnection } from '@temporalio/worker';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { listenForShutdown, untilAborted } from '../../src/lib/shutdown.ts';
import { readTemporalTarget } from '../../src/temporal/connection.ts';
import { installTemporalRuntime } from '../../src/temporal/worker-connection.ts';
import { createWorker, type MonthActivities } from '../../src/worker.ts';

/**
 * Runs a worker process with the product's settings, from the same environment, but other
 * activities; ends with the process.
 */
export async function runWorker(name: string, activities: MonthActivities): Promise<never> {
  const { worker: config, logLevel } = readConfig(process.env);
  const { connectionOptions, namespace } = readTemporalTarget(process.env);
  const logger = createLogger({ level: logLevel, name });
  const shutdown = listenForShutdown();
  installTemporalRuntime(logger);
  const connection = await NativeConnection.connect(connectionOptions);
  const worker = await createWorker({ connection, namespace, config, activities });
  const run = worker.run();
  // The same text as the product's worker.
  logger.info('worker started');
  await Promise.race([untilAborted(shutdown), run]);
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await run;
  await connection.close();
  process.exit();
}
