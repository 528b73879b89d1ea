import { pino, type DestinationStream, type Logger } from 'pino';
import { visibleLines } from './visible-text.ts';

export type { Logger };

/**
 * Structured logs, one JSON object a line, on standard output where nothing else
 * is said. Keys and passwords never reach it. Hidden characters are escapes of JSON, because people read logs in
 * terminals, too: a name can't forge a line or reorder one.
 * @param options `mixin` tells what else each line says
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
