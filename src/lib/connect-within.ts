import pRetry from 'p-retry';

/** A server to connect to at startup. */
export interface Dependency<T> {
  /** The name in messages: `PostgreSQL`. */
  readonly name: string;
  /** Host and port, without any password. */
  readonly address: string;
  connect(): Promise<T>;
  /** Whether a failure may be temporary; any other is thrown at once. An UnreachableError says it itself. */
  isWorthWaiting(error: unknown): boolean;
}

export interface ConnectWithinOptions {
  readonly timeoutSeconds: number;
  /** Called after every failed attempt, with one sentence. */
  readonly onFailure?: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

interface UnreachableOptions extends ErrorOptions {
  /** What to check, such as a variable. */
  readonly hint?: string | null;
  /** Whether a retry may succeed without anyone's help. */
  readonly mayPass?: boolean;
}

/** No connection to the server could be made; the message names it, its address and the reason. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** The dependency's name. */
  readonly dependency: string;
  /** What to check; null: its address. */
  readonly hint: string | null;
  readonly mayPass: boolean;

  constructor(
    message: string,
    dependency: string,
    { hint = null, mayPass = false, ...options }: UnreachableOptions = {},
  ) {
    super(message, options);
    this.dependency = dependency;
    this.hint = hint;
    this.mayPass = mayPass;
  }
}

/**
 * Connects to a server that may still be starting. Retries with growing pauses until it answers or
 * the timeout passes.
 * @throws UnreachableError; what `connect` throws if waiting can't help; the signal's reason
 */
export async function connectWithin<T>(
  dependency: Dependency<T>,
  { timeoutSeconds, onFailure, signal }: ConnectWithinOptions,
): Promise<T> {
  const { name, address } = dependency;
  const describe = (error: unknown) =>
    error instanceof UnreachableError
      ? error.message
      : `${name} at ${address} can't be reached (${reasonOf(error)})`;
  const isWorthWaiting = (error: unknown) =>
    error instanceof UnreachableError ? error.mayPass : dependency.isWorthWaiting(error);
  try {
    return await pRetry(() => dependency.connect(), {
      retries: Infinity,
      minTimeout: 250,
      maxTimeout: 5_000,
      maxRetryTime: timeoutSeconds * 1000,
      signal,
      shouldRetry: ({ error, attemptNumber }) => {
        if (!isWorthWaiting(error)) return false;
        onFailure?.(`${describe(error)}: attempt ${attemptNumber}, trying again`);
        return true;
      },
    });
  } catch (error) {
    if (signal?.aborted || !isWorthWaiting(error)) throw error;
    const message = `${describe(error)}; gave up after ${timeoutSeconds} s`;
    const hint = error instanceof UnreachableError ? error.hint : null;
    throw new UnreachableError(message, name, { hint, cause: error });
  }
}

/** Returns the first line of the innermost reason: `connect ECONNREFUSED 127.0.0.1:5432`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner instanceof Error) return reasonOf(inner);
  return error.message.split('\n')[0] ?? error.name;
}
