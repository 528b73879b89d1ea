import { isGrpcServiceError } from '@temporalio/client';
import { CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { UnreachableError } from '../lib/connect-within.ts';
import { MigratorRightsError } from '../db/migrate.ts';
import { FeedError, formatProblem } from '../catalogue/feed-error.ts';
import { StreamError } from '../client/gateway/send-stream.ts';
import { TraceError } from './replay/trace-file.ts';
import { PostError } from '../client/gateway/usage-client.ts';
import { NoScheduleError } from '../temporal/schedule.ts';
import { visible } from '../lib/visible-text.ts';
import { CliError, capitalize } from './cli-error.ts';
import { styleError } from './render/styled-text.ts';

/** An error as it is told. */
interface Explanation {
  /** A stable name of its kind: docs/cli.md lists them. */
  readonly error: ErrorKind;
  /** What is the matter, in one line. */
  readonly reason: string;
  /** What belongs to it, a line each: of a file, its mistakes. */
  readonly list: readonly string[];
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
type ErrorKind = (typeof ERROR_KINDS)[number];

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
  if (!(error instanceof Error)) return told('failed', String(error));
  return explainOurs(error) ?? explainServers(error) ?? told('failed', messageOf(error));
}

/** One clear sentence for an error, and its list; with its stack where LOG_LEVEL is debug. */
export function explainError(error: unknown, logLevel: string | undefined): string {
  if (error instanceof Error && (logLevel === 'debug' || logLevel === 'trace')) {
    return withCauses(error);
  }
  const { error: kind, reason, list, hint } = explain(error);
  const sentence = kind === 'database' && hint !== null ? `${reason}: ${hint}` : reason;
  return [sentence, ...list.map((line) => `  ${line}`)].map(visible).join('\n');
}

/** Where an error comes from, and what caused it. */
export function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return visible(String(error));
  const said = visible(`${error.name}: ${error.message}`);
  // Not as V8 has it, with the message again: that may have lines of its own.
  const places = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  const own = [said, ...places].join('\n');
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}

/** @param reason a message of several lines is made one: only what we put into the list has lines of its own */
function told(
  error: ErrorKind,
  reason: string,
  hint: string | null = null,
  list: readonly string[] = [],
): Explanation {
  return { error, reason: reason.trim().replaceAll(/\s*\n\s*/g, ' '), list, hint };
}

function explainOurs(error: Error): Explanation | null {
  const { message: reason } = error;
  if (error instanceof CommanderError) return explainMisuse(error);
  if (error instanceof CliError) return told('refused', reason, error.hint, error.list);
  if (error instanceof MigratorRightsError) {
    return told('database', reason, 'see DATABASE_MIGRATOR_URL');
  }
  if (error instanceof NoScheduleError) return told('refused', reason);
  if (error instanceof TraceError) return told('invalid-file', capitalize(reason));
  if (error instanceof FeedError) {
    return told('invalid-file', error.heading, null, error.problems.map(formatProblem));
  }
  if (error instanceof ConfigError) {
    const hint =
      'docs/operations/install-and-configure.md lists the variables; `npm run local` starts servers to try with';
    const [heading = '', ...list] = reason.split('\n');
    return told('invalid-configuration', heading, hint, list);
  }
  if (error instanceof UnreachableError) {
    return told('unreachable', reason, UNREACHABLE_HINTS[error.dependency] ?? null);
  }
  if (error instanceof StreamError || error instanceof PostError) {
    const hint = 'what was taken counts once: mend it, and run this again';
    return told('api', capitalize(reason), hint);
  }
  return null;
}

/** Commander says `error: …`, and on the next line in brackets what was perhaps meant. */
function explainMisuse({ message, code }: CommanderError): Explanation {
  if (code === 'commander.help') {
    return told('invalid-command', 'A command is missing', '--help lists them');
  }
  const [reason = '', suggestion] = message.replace(/^error: /, '').split(/\n\(|\)$/);
  return told(
    'invalid-command',
    capitalize(reason),
    suggestion === '' ? null : (suggestion ?? null),
  );
}

/** What PostgreSQL or Temporal means by a code, of the error or of what caused it. */
function explainServers(error: Error): Explanation | null {
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && code in DATABASE_HINTS) {
    const [reason = '', hint = null] = DATABASE_HINTS[code] ?? [];
    return told('database', reason, hint);
  }
  const ofTemporal = isGrpcServiceError(error) ? TEMPORAL_HINTS[error.code] : undefined;
  if (ofTemporal !== undefined) {
    return told('temporal', `Temporal says: ${messageOf(error)}`, ofTemporal);
  }
  if (!(error.cause instanceof Error)) return null;
  const cause = explainServers(error.cause);
  // "Failed to …" says more than what caused it.
  return cause?.error === 'temporal' ? told('temporal', messageOf(error), cause.hint) : cause;
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

/** What is the matter, below it what belongs to it, and what to do. */
export function renderError({ reason, list, hint }: Omit<Explanation, 'error'>): string {
  return [
    styleError('red', visible(reason)),
    ...list.map((line) => `  ${visible(line)}`),
    ...(hint === null ? [] : [`  → ${visible(hint)}`]),
  ].join('\n');
}

/** The same as a line of JSON. */
export function errorToJson({ error, reason, list, hint }: Explanation): string {
  return JSON.stringify({
    error,
    reason: [reason, ...list.map((line) => `  ${line}`)].join('\n'),
    hint,
  });
}
