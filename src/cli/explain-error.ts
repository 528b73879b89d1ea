import { isGrpcServiceError } from '@temporalio/client';
import { CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { UnreachableError } from '../connect-within.ts';
import { MigratorRightsError } from '../db/migrate.ts';
import { FeedError } from '../feeding/feed-error.ts';
import { StreamError } from '../gateway/send-stream.ts';
import { PostError } from '../gateway/usage-client.ts';
import { NoScheduleError } from '../temporal/schedule.ts';
import { CliError, capitalize } from './errors.ts';

/** An error as it is told: in `--json` under these names. */
export interface Explanation {
  /** A stable name of its kind: docs/cli.md lists them. */
  readonly error: ErrorKind;
  /** What is the matter, in one sentence; of a file, with a line for each mistake. */
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string | null;
}

export const ERROR_KINDS = [
  'invalid-command',
  'invalid-configuration',
  'invalid-file',
  'refused',
  'unreachable',
  'database',
  'temporal',
  'api',
  'interrupted',
  'failed',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

const SEE_DATABASE_URL = 'see DATABASE_URL';

/** What PostgreSQL's codes mean for whoever runs a command. */
const DATABASE_HINTS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  '28P01': ['PostgreSQL refuses the user or the password', SEE_DATABASE_URL],
  '28000': ['PostgreSQL refuses the user', SEE_DATABASE_URL],
  '3D000': ['There is no such database', SEE_DATABASE_URL],
  '42P01': ['The database lacks our tables', 'run `npm run cli -- migrate` first'],
  '42703': ['The database is of another version', 'run `npm run cli -- migrate` first'],
  '42501': ['The database user lacks the rights for this', SEE_DATABASE_URL],
  '57014': [
    'PostgreSQL gave the statement up: it took too long, or somebody cancelled it',
    'see DATABASE_STATEMENT_TIMEOUT_SECONDS, and how busy the database is',
  ],
};

/** What gRPC's codes mean, where it is Temporal that answers. */
const TEMPORAL_HINTS: Readonly<Record<number, string>> = {
  4: 'the server is slow or away: see TEMPORAL_ADDRESS; `doctor` says more',
  5: 'see TEMPORAL_NAMESPACE; `doctor` says more',
  7: 'see TEMPORAL_API_KEY and TEMPORAL_NAMESPACE',
  14: 'see that the server runs at TEMPORAL_ADDRESS; `doctor` says more',
  16: 'see TEMPORAL_API_KEY',
};

const UNREACHABLE_HINTS: Readonly<Record<string, string>> = {
  PostgreSQL: 'see that it runs there, and DATABASE_URL; `npm run local` starts one',
  'The Temporal server': 'see that it runs there, and TEMPORAL_ADDRESS; `npm run local` starts one',
};

/** What is the matter, and what to do about it. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof Error)) return { error: 'failed', reason: String(error), hint: null };
  return (
    explainOurs(error) ??
    explainServers(error) ?? { error: 'failed', reason: messageOf(error), hint: null }
  );
}

/** One clear sentence for an error; with its stack where LOG_LEVEL is debug. */
export function explainError(error: unknown, logLevel: string | undefined): string {
  if (error instanceof Error && (logLevel === 'debug' || logLevel === 'trace')) {
    return withCauses(error);
  }
  const { error: kind, reason, hint } = explain(error);
  return kind === 'database' && hint !== null ? `${reason}: ${hint}` : reason;
}

/** Where an error comes from, and what caused it. */
export function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}

function explainOurs(error: Error): Explanation | null {
  const { message: reason } = error;
  if (error instanceof CommanderError) return explainMisuse(error);
  if (error instanceof CliError) return { error: 'refused', reason, hint: error.hint };
  if (error instanceof MigratorRightsError) {
    return { error: 'database', reason, hint: 'see DATABASE_MIGRATOR_URL' };
  }
  if (error instanceof NoScheduleError) return { error: 'refused', reason, hint: null };
  if (error instanceof FeedError) return { error: 'invalid-file', reason, hint: null };
  if (error instanceof ConfigError) {
    const hint =
      'docs/operations.md lists the variables; `npm run local` starts servers to try with';
    return { error: 'invalid-configuration', reason, hint };
  }
  if (error instanceof UnreachableError) {
    return { error: 'unreachable', reason, hint: UNREACHABLE_HINTS[error.dependency] ?? null };
  }
  if (error instanceof StreamError || error instanceof PostError) {
    const hint = 'what was taken counts once: mend it, and run this again';
    return { error: 'api', reason: capitalize(reason), hint };
  }
  return null;
}

/** Commander says `error: …`, and on the next line in brackets what was perhaps meant. */
function explainMisuse({ message, code }: CommanderError): Explanation {
  const error = 'invalid-command';
  if (code === 'commander.help') {
    return { error, reason: 'A command is missing', hint: '--help lists them' };
  }
  const [reason = '', suggestion] = message.replace(/^error: /, '').split(/\n\(|\)$/);
  return { error, reason: capitalize(reason), hint: suggestion ?? null };
}

/** What PostgreSQL or Temporal means by a code, of the error or of what caused it. */
function explainServers(error: Error): Explanation | null {
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && code in DATABASE_HINTS) {
    const [reason = '', hint = null] = DATABASE_HINTS[code] ?? [];
    return { error: 'database', reason, hint };
  }
  const ofTemporal = isGrpcServiceError(error) ? TEMPORAL_HINTS[error.code] : undefined;
  if (ofTemporal !== undefined) {
    return { error: 'temporal', reason: `Temporal says: ${messageOf(error)}`, hint: ofTemporal };
  }
  if (!(error.cause instanceof Error)) return null;
  const cause = explainServers(error.cause);
  // "Failed to …" says more than what caused it.
  return cause?.error === 'temporal' ? { ...cause, reason: messageOf(error) } : cause;
}

/** Temporal's client says "Failed to …" and keeps the server's reason in the cause. */
function messageOf(error: Error): string {
  const { cause } = error;
  const details =
    cause instanceof Error && 'details' in cause && typeof cause.details === 'string'
      ? cause.details
      : '';
  return details === '' ? error.message : `${error.message}: ${details}`;
}
