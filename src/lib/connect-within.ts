import pRetry from 'p-retry';

/** A server to connect to at startup. */
export interface Dependency<T> {
  /** The name in messages: `PostgreSQL`. */
  readonly name: string;
  /** Host and port, without any password. */
  readonly address: string;
  connect(): Promise<T>;
  /** Whether a failure may be temporary; any other is thrown at once. */
  isWorthWaiting(error: unknown): boolean;
}

export interface ConnectWithinOptions {
  readonly timeoutSeconds: number;
  /** Called after every failed attempt, with one sentence. */
  readonly onFailure?: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The server was not reachable in time; the message names it and its address. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** The dependency's name. */
  readonly dependency: string;

  constructor(message: string, dependency: string, options?: ErrorOptions) {
    super(message, options);
    this.dependency = dependency;
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
    `${name} at ${address} can't be reached (${reasonOf(error)})`;
  try {
    return await pRetry(() => dependency.connect(), {
      retries: Infinity,
      minTimeout: 250,
      maxTimeout: 5_000,
      maxRetryTime: timeoutSeconds * 1000,
      signal,
      shouldRetry: ({ error, attemptNumber }) => {
        if (!dependency.isWorthWaiting(error)) return false;
        onFailure?.(`${describe(error)}: attempt ${attemptNumber}, trying again`);
        return true;
      },
    });
  } catch (error) {
    if (signal?.aborted || !dependency.isWorthWaiting(error)) throw error;
    const message = `${describe(error)}; gave up after ${timeoutSeconds} s`;
    throw new UnreachableError(message, name, { cause: error });
  }
}

/** Returns the first line of the innermost reason: `connect ECONNREFUSED 127.0.0.1:5432`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner instanceof Error) return reasonOf(inner);
  return error.message.split('\n')[0] ?? error.name;
}
