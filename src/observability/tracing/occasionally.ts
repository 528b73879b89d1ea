import type { Logger } from '../../lib/logger.ts';

/** Tells that spans were lost. */
export type TellLoss = (reason: string, spans: number) => void;

/**
 * A warning at the first loss, and then at most one in so long, with what was lost since: a collector
 * that is away for a night is one thing to know, not one a batch.
 * @param now milliseconds, of any clock that goes forward
 */
export function tellOccasionally(
  logger: Logger,
  everyMs: number,
  now: () => number = () => performance.now(),
): TellLoss {
  let nextAt = Number.NEGATIVE_INFINITY;
  let lost = 0;
  return (reason, spans) => {
    lost += spans;
    if (now() < nextAt) return;
    nextAt = now() + everyMs;
    logger.warn({ lost_spans: lost, reason }, 'traces are being lost');
    lost = 0;
  };
}
