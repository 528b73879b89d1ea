import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * Structured logs, one JSON object a line on standard output. Keys and passwords
 * never reach it.
 */
export function createLogger(options: { level: string; name: string }): Logger {
  return pino({
    ...options,
    redact: {
      paths: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.apiKey'],
      censor: '[redacted]',
    },
  });
}
