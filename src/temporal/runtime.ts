import {
  Runtime,
  type LogLevel,
  type LogMetadata,
  type Logger as TemporalLogger,
} from '@temporalio/worker';
import type { Logger } from '../lib/logger.ts';
import type { SdkMetrics } from '../observability/sdk-metrics.ts';

const PINO_LEVEL = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>;

/**
 * Sets up the SDK before a worker connects: its logs, also those of its native core,
 * go to ours, and it leaves signals alone, because we stop things in an order of our own.
 * @param metrics where its metrics can be read; null: it counts nothing
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
            // Names and units as Prometheus has them.
            countersTotalSuffix: true,
            unitSuffix: true,
            useSecondsForDurations: true,
          },
        },
      }),
    },
  });
}

/** Our logger in the form that the SDK wants. */
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
