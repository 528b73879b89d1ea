import { isGrpcServiceError } from '@temporalio/client';
import { CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { UnreachableError } from '../lib/connect-within.ts';
import { MigratorRightsError } from '../db/migrate.ts';
import { ApplyError, formatProblem } from '../catalogue/apply-error.ts';
import { StreamError } from '../client/gateway/send-stream.ts';
import { TraceError } from './replay/trace-file.ts';
import { PostError } from '../client/gateway/usage-client.ts';
import { UnfilteredAssignmentError } from '../ingestion/quarantine/assignment.ts';
import { NoScheduleError } from '../temporal/schedule.ts';
import { SearchAttributesError } from '../temporal/search-attributes.ts';
import { TlsSettingsError } from '../lib/tls-files.ts';
import { visible } from '../lib/visible-text.ts';
import { CliError, capitalize } from './cli-error.ts';
import { styleError } from './render/styled-text.ts';

/** An error, explained to the user. */
interface Explanation {
  /** Stable name of the kind of error, listed in docs/cli.md. */
  readonly error: ErrorKind;
  /** What happened, in one line. */
  readonly reason: string;
  /** Details, a line each, such as the errors in a file. */
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

const SEE_DATABASE_URL = 'check DATABASE_URL';
const SEE_TLS = 'see "TLS" in docs/operations/install-and-configure.md';

/** PostgreSQL's error codes, explained to the user of a command. */
const DATABASE_HINTS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  '28P01': ['PostgreSQL rejected the user or the password', SEE_DATABASE_URL],
  '28000': ['PostgreSQL rejected the user', SEE_DATABASE_URL],
  '3D000': ['The database does not exist', SEE_DATABASE_URL],
  '42P01': ['The database has no tables yet', 'run `npm run cli -- migrate` first'],
  '42703': ['The database has another version', 'run `npm run cli -- migrate` first'],
  '42501': ['The database user is not allowed to do this', SEE_DATABASE_URL],
  '57014': [
    'PostgreSQL cancelled the statement: it took too long, or it was cancelled manually',
    'see DATABASE_STATEMENT_TIMEOUT_SECONDS and check the load of the database',
  ],
};

/** Temporal's gRPC error codes, explained. */
const TEMPORAL_HINTS: Readonly<Record<number, string>> = {
  4: 'the server is slow or unreachable: check TEMPORAL_ADDRESS, or run `doctor`',
  5: 'check TEMPORAL_NAMESPACE, or run `doctor`',
  7: 'check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE',
  14: 'check that the server runs at TEMPORAL_ADDRESS, or run `doctor`',
  16: 'check TEMPORAL_API_KEY',
};

const UNREACHABLE_HINTS: Readonly<Record<string, string>> = {
  PostgreSQL: 'check that it runs there and that DATABASE_URL is right; `npm run local` starts one',
  'The Temporal server':
    'check that it runs there and that TEMPORAL_ADDRESS is right; `npm run local` starts one',
};

/** Explains an error: what happened, and what to do next. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof Error)) return explanation('failed', String(error));
  return explainOurs(error) ?? explainServers(error) ?? explanation('failed', messageOf(error));
}

/** An error as a sentence with its details; with the stack trace if the log level is debug or trace. */
export function explainError(error: unknown, logLevel: string | undefined): string {
  if (error instanceof Error && (logLevel === 'debug' || logLevel === 'trace')) {
    return withCauses(error);
  }
  const { error: kind, reason, list, hint } = explain(error);
  const sentence = kind === 'database' && hint !== null ? `${reason}: ${hint}` : reason;
  return [sentence, ...list.map((line) => `  ${line}`)].map(visible).join('\n');
}

/** An error with its stack trace, and that of its causes. */
export function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return visible(String(error));
  const said = visible(`${error.name}: ${error.message}`);
  // Not V8's `stack`, which repeats the message: that may contain line breaks.
  const places = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  const own = [said, ...places].join('\n');
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}

/** @param reason its line breaks are removed: only entries of the list get lines of their own */
function explanation(
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
  if (error instanceof CliError) return explanation('refused', reason, error.hint, error.list);
  if (error instanceof MigratorRightsError) {
    return explanation('database', reason, 'check DATABASE_MIGRATOR_URL');
  }
  if (error instanceof NoScheduleError) return explanation('refused', reason);
  if (error instanceof UnfilteredAssignmentError) {
    const hint = 'name the events, or give --held-for or --tenant';
    return explanation('refused', capitalize(reason), hint);
  }
  if (error instanceof SearchAttributesError) return explanation('temporal', reason);
  if (error instanceof TraceError) return explanation('invalid-file', capitalize(reason));
  if (error instanceof ApplyError) {
    return explanation('invalid-file', error.heading, null, error.problems.map(formatProblem));
  }
  if (error instanceof TlsSettingsError) {
    return explanation('invalid-configuration', reason, SEE_TLS);
  }
  if (error instanceof ConfigError) {
    const hint =
      'docs/operations/install-and-configure.md lists the variables; `npm run local` starts local servers';
    const [heading = '', ...list] = reason.split('\n');
    return explanation('invalid-configuration', heading, hint, list);
  }
  if (error instanceof UnreachableError) {
    const hint = error.hint ?? UNREACHABLE_HINTS[error.dependency] ?? null;
    return explanation('unreachable', reason, hint);
  }
  if (error instanceof StreamError || error instanceof PostError) {
    const hint = 'fix it and rerun; accepted events are not counted twice';
    return explanation('api', capitalize(reason), hint);
  }
  return null;
}

/** Commander prints `error: …` and, on the next line in brackets, a suggestion. */
function explainMisuse({ message, code }: CommanderError): Explanation {
  if (code === 'commander.help') {
    return explanation('invalid-command', 'A command is missing', '--help lists them');
  }
  const [reason = '', suggestion] = message.replace(/^error: /, '').split(/\n\(|\)$/);
  return explanation(
    'invalid-command',
    capitalize(reason),
    suggestion === '' ? null : (suggestion ?? null),
  );
}

/** Explains the PostgreSQL or Temporal error code of the error or one of its causes. */
function explainServers(error: Error): Explanation | null {
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && code in DATABASE_HINTS) {
    const [reason = '', hint = null] = DATABASE_HINTS[code] ?? [];
    return explanation('database', reason, hint);
  }
  const ofTemporal = isGrpcServiceError(error) ? TEMPORAL_HINTS[error.code] : undefined;
  if (ofTemporal !== undefined) {
    return explanation('temporal', `Temporal reported: ${messageOf(error)}`, ofTemporal);
  }
  if (!(error.cause instanceof Error)) return null;
  const cause = explainServers(error.cause);
  // Temporal's "Failed to …" is more specific than its cause.
  return cause?.error === 'temporal'
    ? explanation('temporal', messageOf(error), cause.hint)
    : cause;
}

/** Temporal's client throws "Failed to …" and keeps the server's reason in the cause. */
function messageOf(error: Error): string {
  const { cause } = error;
  const details =
    cause instanceof Error && 'details' in cause && typeof cause.details === 'string'
      ? cause.details
      : '';
  return details === '' ? error.message : `${error.message}: ${details}`;
}

/** The error as text: what happened, its details, and what to do next. */
export function renderError({ reason, list, hint }: Omit<Explanation, 'error'>): string {
  return [
    styleError('red', visible(reason)),
    ...list.map((line) => `  ${visible(line)}`),
    ...(hint === null ? [] : [`  → ${visible(hint)}`]),
  ].join('\n');
}

/** The error as a line of JSON. */
export function errorToJson({ error, reason, list, hint }: Explanation): string {
  return JSON.stringify({
    error,
    reason: [reason, ...list.map((line) => `  ${line}`)].join('\n'),
    hint,
  });
}
