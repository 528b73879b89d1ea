import {
  NativeConnection,
  Runtime,
  type LogLevel,
  type LogMetadata,
  type Logger as TemporalLogger,
} from '@temporalio/worker';
import type { Dependency } from '../lib/connect-within.ts';
import type { Logger } from '../lib/logger.ts';
import type { SdkMetrics } from '../observability/metrics/worker-metrics.ts';
import { temporalDependency, type TemporalTarget } from './connection.ts';

/**
 * Returns the Temporal server for workers, which need connections of their own. In a file apart from the client's
 * connection, because loading the SDK's native core would delay every CLI command.
 */
export function temporalServerForWorker(
  target: TemporalTarget,
  logger: Logger,
  metrics: SdkMetrics | null = null,
): Dependency<NativeConnection> {
  return temporalDependency(target, () => {
    // Before each attempt, because the runtime ends with its last connection. Not earlier, because it would keep an
    // idle process alive.
    installTemporalRuntime(logger, metrics);
    return NativeConnection.connect(target.connectionOptions);
  });
}

const PINO_LEVEL = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>;

/**
 * Sets up the SDK before a worker connects. Its logs, including those of its native core, go to our logger. It doesn't
 * handle process signals, because the engine stops its parts in a certain order.
 * @param metrics where the SDK's metrics can be read; null: they are off
 */
export function installTemporalRuntime(logger: Logger, metrics: SdkMetrics | null = null): void {
  Runtime.install({
    logger: toTemporalLogger(logger),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(metrics && {
        metrics: {
          prometheus: {
            bindAddress: metrics.bindAddress,
            // Prometheus's conventions for names and units.
            countersTotalSuffix: true,
            unitSuffix: true,
            useSecondsForDurations: true,
          },
        },
      }),
    },
  });
}

/** Adapts our logger to the SDK's interface. */
export function toTemporalLogger(logger: Logger): TemporalLogger {
  const write =
    (level: LogLevel) =>
    (message: string, meta: LogMetadata = {}): void => {
      logger[PINO_LEVEL[level]](meta, message);
    };
  return {
    log: (level, message, meta) => {
      write(level)(message, meta);
    },
    trace: write('TRACE'),
    debug: write('DEBUG'),
    info: write('INFO'),
    warn: write('WARN'),
    error: write('ERROR'),
  };
}
