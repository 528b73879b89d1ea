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

/** An error as the log shows it. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/**
 * Returns an error for the log, without its other properties: in database errors those contain the values of
 * the query, which senders sent.
 */
export function errorForLog(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error' };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: errorForLog(error.cause) }),
  };
}
