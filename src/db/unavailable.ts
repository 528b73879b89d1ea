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
 * Error codes of Node's sockets and of PostgreSQL (connection, resources, deadlocks, shutdown, a standby that
 * is about to be promoted).
 */
const UNAVAILABLE_CODES =
  /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|08...|25006|40...|53...|55P03|57...|58...)$/;

/** Messages of node-postgres errors that have no code. */
const UNAVAILABLE_MESSAGES =
  /timeout expired|connection terminated|connection timeout|queries? on a closed/i;

/**
 * Returns whether an error means that the database is unreachable or overloaded, not that the request was
 * invalid: the same request may succeed later.
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
