import {
  Client,
  Connection,
  isGrpcServiceError,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Dependency } from '../lib/connect-within.ts';
import { present } from '../lib/present.ts';
import { checkTemporalTls, explainTemporalTls } from './temporal-tls.ts';

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
 * @throws TlsSettingsError if a certificate or key can't be used
 */
export function readTemporalTarget(
  env: Readonly<Record<string, string | undefined>>,
): TemporalTarget {
  const profile = loadClientConfigProfile({ overrideEnvVars: present(env) });
  checkTemporalTls(profile.tls);
  const { connectionOptions, namespace = 'default' } = toClientOptions(profile);
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
  return temporalDependency(target, async () => {
    const { address, apiKey, tls, metadata } = connectionOptions;
    const connection = Connection.lazy({
      ...(address && { address }),
      ...(tls !== undefined && { tls }),
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata && { metadata }),
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    try {
      await connection.ensureConnected();
    } catch (error) {
      await connection.close(); // Otherwise it would retry in the background.
      throw error;
    }
    const client = new Client({
      connection,
      namespace,
      interceptors: { workflow: interceptors },
    });
    return { client, connection, namespace };
  });
}

/** Returns the Temporal server as a dependency, for any kind of connection; TLS errors are explained. */
export function temporalDependency<T>(
  { address, connectionOptions }: TemporalTarget,
  connect: () => Promise<T>,
): Dependency<T> {
  const server = { name: 'The Temporal server', address };
  return {
    ...server,
    isWorthWaiting: isTemporalUnavailable,
    async connect() {
      try {
        return await connect();
      } catch (error) {
        throw (await explainTemporalTls(server, connectionOptions.tls, error)) ?? error;
      }
    },
  };
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
