import { NativeConnection } from '@temporalio/worker';
import type { Dependency } from '../lib/connect-within.ts';
import type { Logger } from '../lib/logger.ts';
import { described, type TemporalTarget } from './connection.ts';
import { installTemporalRuntime } from './runtime.ts';
import type { SdkMetrics } from '../observability/sdk-metrics.ts';

/**
 * The Temporal server for the worker, which has connections of its own. Apart from the client's,
 * because the CLI would wait for the SDK's native core to load.
 */
export function temporalServerForWorker(
  target: TemporalTarget,
  logger: Logger,
  metrics: SdkMetrics | null = null,
): Dependency<NativeConnection> {
  return {
    ...described(target),
    connect() {
      // Before each attempt: the runtime goes with its last connection. Any earlier, and it would
      // keep a process alive that has nothing to do.
      installTemporalRuntime(logger, metrics);
      return NativeConnection.connect(target.connectionOptions);
    },
  };
}
