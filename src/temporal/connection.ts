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

/** gRPC's codes for an unavailable server: DEADLINE_EXCEEDED and UNAVAILABLE. */
const UNAVAILABLE = new Set([4, 14]);

/** A Temporal server and namespace, with the credentials for them. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** Includes TLS certificates or the API key, if configured. */
  readonly connectionOptions: NativeConnectionOptions;
}

/** A client with its connection. */
export interface TemporalClient {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
}

/**
 * Reads the same variables as Temporal's own tools (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `TEMPORAL_API_KEY`, `TEMPORAL_TLS…`, `TEMPORAL_PROFILE`) and the profile's file. The default is the
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
 * Returns the Temporal server for the API, the CLI and activities. The caller must close the connection.
 * @param interceptors applied to workflow calls
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

/** Returns the parts of a dependency that all kinds of connections share. */
export function described({ address }: TemporalTarget) {
  return { name: 'The Temporal server', address, isWorthWaiting: isTemporalUnavailable };
}

/** Whether the error means that the server is unavailable. False if it rejected the request. */
export function isTemporalUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isGrpcServiceError(error)) return UNAVAILABLE.has(error.code);
  if (error.name === 'TransportError') return true;
  return /failed to connect before the deadline/i.test(error.message)
    ? true
    : isTemporalUnavailable(error.cause);
}
