import {
  BackendTerminatedError,
  BackendTerminatedUnexpectedlyError,
  ConnectionError,
  IdleTransactionTimeoutError,
  StatementCancelledError,
  StatementTimeoutError,
  UnexpectedStateError,
} from 'slonik';

const UNAVAILABLE_ERRORS = [
  BackendTerminatedError,
  BackendTerminatedUnexpectedlyError,
  ConnectionError,
  IdleTransactionTimeoutError,
  StatementCancelledError,
  StatementTimeoutError,
  // The pool is being shut down.
  UnexpectedStateError,
];

/**
 * Of Node's sockets and of PostgreSQL (connection, resources, deadlocks, shutdown, a standby
 * that is about to be promoted).
 */
const UNAVAILABLE_CODES =
  /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|08...|25006|40...|53...|55P03|57...|58...)$/;

/** node-postgres has no code for these. */
const UNAVAILABLE_MESSAGES =
  /timeout expired|connection terminated|connection timeout|queries? on a closed/i;

/**
 * Whether an error says that the database is away, or too busy, rather than that it was asked for
 * something impossible: the same request may succeed later.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (UNAVAILABLE_ERRORS.some((type) => error instanceof type)) return true;
  if ('code' in error && typeof error.code === 'string' && UNAVAILABLE_CODES.test(error.code)) {
    return true;
  }
  if (UNAVAILABLE_MESSAGES.test(error.message)) return true;
  // Several addresses were tried (AggregateError), or another error wraps the reason.
  const causes = error instanceof AggregateError ? error.errors : [error.cause];
  return causes.some(isDatabaseUnavailable);
}
