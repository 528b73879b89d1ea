import { pino, type DestinationStream, type Logger } from 'pino';
import { visibleLines } from './visible-text.ts';

export type { Logger };

/**
 * Creates a logger that writes one JSON object per line to standard output, unless told otherwise.
 * Keys and passwords never reach it. Hidden characters become JSON escapes, so a name can't forge
 * or reorder a line in a terminal.
 * @param options `mixin` returns further fields of each line
 */
export function createLogger(
  options: { level: string; name: string; mixin?: () => object },
  destination: DestinationStream = pino.destination(1),
): Logger {
  const redact = {
    paths: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.apiKey'],
    censor: '[redacted]',
  };
  return pino({ ...options, redact, hooks: { streamWrite: visibleLines } }, destination);
}
