import {
  Client,
  Connection,
  isGrpcServiceError,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Dependency } from '../lib/connect-within.ts';
import { present } from '../lib/present.ts';

const DEFAULT_ADDRESS = '127.0.0.1:7233';
const CONNECT_TIMEOUT_MS = 5_000;

/** gRPC's codes for a server that is away: DEADLINE_EXCEEDED and UNAVAILABLE. */
const AWAY = new Set([4, 14]);

/** Which Temporal server and namespace, and how to get in. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** With TLS certificates or the API key, where there are any. */
  readonly connectionOptions: NativeConnectionOptions;
}

/** A client with the connection it speaks over. */
export interface TemporalClient {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
}

/**
 * Reads what Temporal's own tools read (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS…`, `TEMPORAL_PROFILE` and the profile's file); by default the
 * namespace `default` of a server on this machine.
 */
export function readTemporalTarget(
  env: Readonly<Record<string, string | undefined>>,
): TemporalTarget {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig({
    overrideEnvVars: present(env),
  });
  const address = connectionOptions.address ?? DEFAULT_ADDRESS;
  return { address, namespace, connectionOptions: { ...connectionOptions, address } };
}

/**
 * For the API, the CLI and activities. Close the connection in the end.
 * @param interceptors what calls about workflows go through
 */
export function temporalServer(
  target: TemporalTarget,
  interceptors: WorkflowClientInterceptor[] = [],
): Dependency<TemporalClient> {
  const { namespace, connectionOptions } = target;
  return {
    ...described(target),
    async connect() {
      const { address, apiKey, tls, metadata } = connectionOptions;
      const connection = await Connection.connect({
        ...(address && { address }),
        ...(tls !== undefined && { tls }),
        ...(apiKey !== undefined && { apiKey }),
        ...(metadata && { metadata }),
        connectTimeout: CONNECT_TIMEOUT_MS,
      });
      const client = new Client({
        connection,
        namespace,
        interceptors: { workflow: interceptors },
      });
      return { client, connection, namespace };
    },
  };
}

/** What every connection to it has in common. */
export function described({ address }: TemporalTarget) {
  return { name: 'The Temporal server', address, isWorthWaiting: isTemporalUnavailable };
}

/** Whether the server is away, rather than that it refuses what it is asked for. */
export function isTemporalUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isGrpcServiceError(error)) return AWAY.has(error.code);
  if (error.name === 'TransportError') return true;
  return /failed to connect before the deadline/i.test(error.message)
    ? true
    : isTemporalUnavailable(error.cause);
}
