import { setTimeout as sleep } from 'node:timers/promises';

/** What is connected to at start. */
export interface Dependency<T> {
  /** As people call it: `PostgreSQL`. */
  readonly name: string;
  /** Host and port, without any password. */
  readonly address: string;
  connect(): Promise<T>;
  /** Whether a failure may pass by itself; one that can't is thrown at once. */
  isWorthWaiting(error: unknown): boolean;
}

export interface ConnectWithinOptions {
  readonly timeoutSeconds: number;
  /** Told of every attempt that failed, in one sentence. */
  readonly onFailure?: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The server was not reachable in time; the message says which, and where. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** The dependency's name. */
  readonly dependency: string;

  constructor(message: string, dependency: string, options?: ErrorOptions) {
    super(message, options);
    this.dependency = dependency;
  }
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Connects to a server that may still be starting: tries again, less and less often, until it
 * answers or the time is over.
 * @throws UnreachableError; what `connect` throws where waiting can't help
 */
export async function connectWithin<T>(
  dependency: Dependency<T>,
  { timeoutSeconds, onFailure, signal }: ConnectWithinOptions,
): Promise<T> {
  const { name, address } = dependency;
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt += 1) {
    try {
      return await dependency.connect();
    } catch (error) {
      if (!dependency.isWorthWaiting(error)) throw error;
      const why = `${name} at ${address} can't be reached (${reasonOf(error)})`;
      if (Date.now() + pauseMs > deadline) {
        const given = `${why}; gave up after ${timeoutSeconds} s`;
        throw new UnreachableError(given, name, { cause: error });
      }
      onFailure?.(`${why}: attempt ${attempt}, trying again`);
      await sleep(pauseMs, undefined, { signal });
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** The innermost reason, in its first line: `connect ECONNREFUSED 127.0.0.1:5432`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner instanceof Error) return reasonOf(inner);
  return error.message.split('\n')[0] ?? error.name;
}
