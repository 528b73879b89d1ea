import type { DueEndpoint } from '../db/webhooks/webhook-deliveries.ts';
import type { Logger } from '../lib/logger.ts';

export interface WakerOptions {
  /** Finds endpoints with something to be delivered. */
  readonly listDue: () => Promise<readonly DueEndpoint[]>;
  /** Starts its delivery, if none is under way. */
  readonly start: (endpoint: DueEndpoint) => Promise<void>;
  /** From the end of a look to the next. */
  readonly intervalMs: number;
  readonly logger: Logger;
}

export interface Waker {
  /** Resolves when no look is under way any more, and none will be. */
  stop(): Promise<void>;
}

/**
 * Looks at an interval which endpoints have something due, and starts their deliveries. The process
 * that writes an event has nothing to do for it. Keeps no process alive.
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

  /** One that fails to start doesn't keep the others from starting. */
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
