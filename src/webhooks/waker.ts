import type { DueEndpoint } from '../db/webhook-deliveries.ts';
import type { Logger } from '../logger.ts';

export interface WakerOptions {
  /** Finds endpoints with something to be delivered. */
  readonly listDue: () => Promise<readonly DueEndpoint[]>;
  /** Wakes who delivers it. */
  readonly wake: (endpoint: DueEndpoint) => Promise<void>;
  /** From the end of a look to the next. */
  readonly intervalMs: number;
  readonly logger: Logger;
}

export interface Waker {
  /** Resolves when no look is under way any more, and none will be. */
  stop(): Promise<void>;
}

/**
 * Looks now and then whether anything is due, for as long as the process lives; it keeps no process alive.
 * That is how events begin to be delivered: whatever the process that has written one does next, it
 * needn't tell anybody.
 */
export function startWaker({ listDue, wake, intervalMs, logger }: WakerOptions): Waker {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let looking = lookOnce();

  async function lookOnce(): Promise<void> {
    try {
      for (const endpoint of await listDue()) await wakeOne(endpoint);
    } catch (error) {
      logger.warn({ err: error }, 'could not look for webhooks that are due');
    }
    if (isStopped) return;
    timer = setTimeout(() => {
      looking = lookOnce();
    }, intervalMs).unref();
  }

  /** One that can't be woken costs the others nothing. */
  async function wakeOne(endpoint: DueEndpoint): Promise<void> {
    try {
      await wake(endpoint);
    } catch (error) {
      const { endpointId } = endpoint;
      logger.warn({ err: error, endpoint: endpointId }, 'could not wake the delivery of webhooks');
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
