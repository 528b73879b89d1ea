import type { DueEndpoint } from '../db/webhooks/webhook-deliveries.ts';
import type { Logger } from '../lib/logger.ts';

export interface WakerOptions {
  /** Lists endpoints with due events. */
  readonly listDue: () => Promise<readonly DueEndpoint[]>;
  /** Starts the delivery to an endpoint unless one is running. */
  readonly start: (endpoint: DueEndpoint) => Promise<void>;
  /** Pause between two polls. */
  readonly intervalMs: number;
  readonly logger: Logger;
}

export interface Waker {
  /** Resolves when the last poll has ended; no further one follows. */
  stop(): Promise<void>;
}

/**
 * Polls for endpoints with due events and starts their deliveries, so the process that writes an event doesn't have to
 * notify anyone. Does not keep the process alive.
 */
export function startWaker({ listDue, start, intervalMs, logger }: WakerOptions): Waker {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let looking = lookOnce();

  async function lookOnce(): Promise<void> {
    try {
      for (const endpoint of await listDue()) await startOne(endpoint);
    } catch (error) {
      logger.warn({ err: error }, 'could not look for webhooks that are due');
    }
    if (isStopped) return;
    timer = setTimeout(() => {
      looking = lookOnce();
    }, intervalMs).unref();
  }

  /** Logs a failure to start, so that it doesn't prevent the other deliveries from starting. */
  async function startOne(endpoint: DueEndpoint): Promise<void> {
    try {
      await start(endpoint);
    } catch (error) {
      const { endpointId } = endpoint;
      logger.warn({ err: error, endpoint: endpointId }, 'could not start the delivery of webhooks');
    }
  }

  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
