import { chmodSync, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Connection } from '@temporalio/client';
import { findTemporalCli } from '../scripts/lib/temporal-cli.mjs';
import { SEARCH_ATTRIBUTES } from '../src/contracts/ids.ts';
import { makePrivateFolder } from '../src/lib/private-files.ts';
import { freePorts, rememberedPorts } from './free-port.ts';
import { retryOnBusyPort, startGuarded, waitUntilReady } from './guarded-process.ts';
import { stopPredecessor } from './predecessor.ts';

export interface TemporalOptions {
  /** Folder for the server's log and its ports. */
  stateDir: string;
  /** Database file that keeps workflows across restarts; without it, they are in memory. */
  dbFile?: string;
  /** Namespaces to create in addition to `default`. */
  namespaces?: readonly string[];
  /** Whether to start without the Web UI. */
  headless?: boolean;
  /** Dynamic configuration of the server: JSON values by key. */
  dynamicConfig?: Readonly<Record<string, string>>;
}

export interface LocalTemporal {
  /** Host and port of the gRPC service. */
  address: string;
  /** The Web UI; undefined without one. */
  uiUrl: string | undefined;
  stop(): Promise<void>;
}

type Ports = Record<'temporal' | 'temporalUi' | 'temporalHttp' | 'temporalMetrics', number>;

/** Temporal's usual ports, as in its documentation, if they are free. */
const DEFAULT_PORTS: Ports = {
  temporal: 7233,
  temporalUi: 8233,
  temporalHttp: 7243,
  temporalMetrics: 9233,
};

/** The path of the Temporal CLI, which the launcher (`scripts/run.mjs`) passes in TEMPORAL_CLI. */
function cliPath(): string {
  const path = findTemporalCli();
  if (path === undefined) throw new Error('The Temporal CLI is missing. Run `npm run setup`.');
  return path;
}

async function choosePorts(options: TemporalOptions): Promise<Ports> {
  if (options.dbFile !== undefined) {
    return rememberedPorts(join(options.stateDir, 'ports.json'), DEFAULT_PORTS);
  }
  const [temporal, temporalUi, temporalHttp, temporalMetrics] = await freePorts([0, 0, 0, 0]);
  return { temporal, temporalUi, temporalHttp, temporalMetrics } as Ports;
}

function serverArguments(options: TemporalOptions, ports: Ports): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'error'],
    ...['--port', String(ports.temporal)],
    ...['--http-port', String(ports.temporalHttp)],
    ...['--metrics-port', String(ports.temporalMetrics)],
    ...(options.headless ? ['--headless'] : ['--ui-port', String(ports.temporalUi)]),
    ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
    // The defaults flush every step to disk, which is three times slower.
    ...(options.dbFile === undefined
      ? []
      : ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=OFF']),
    ...(options.namespaces ?? []).flatMap((name) => ['--namespace', name]),
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
    ...Object.entries(options.dynamicConfig ?? {}).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${value}`,
    ]),
  ];
}

/** @throws if the server doesn't answer for the last of its namespaces */
async function probe(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } finally {
    await connection.close();
  }
}

async function startServer(options: TemporalOptions): Promise<LocalTemporal> {
  const stopSignal = 'SIGTERM';
  const pidFile = join(options.stateDir, 'temporal.pid');
  const dataPath = options.dbFile;
  if (dataPath !== undefined) {
    await stopPredecessor({ name: 'The Temporal dev server', pidFile, dataPath, stopSignal });
  }
  const ports = await choosePorts(options);
  const logFile = join(options.stateDir, 'temporal.log');
  const server = startGuarded(
    {
      command: cliPath(),
      args: serverArguments(options, ports),
      cwd: options.stateDir,
      user: undefined,
      stopSignal,
      killAfterMs: 10_000,
      pidFile,
    },
    logFile,
  );
  const address = `127.0.0.1:${ports.temporal}`;
  await waitUntilReady(server, {
    name: 'The Temporal dev server',
    probe: () => probe(address, options.namespaces?.at(-1) ?? 'default'),
    logFile,
    timeoutMs: 60_000,
  });
  return {
    address,
    uiUrl: options.headless ? undefined : `http://127.0.0.1:${ports.temporalUi}`,
    stop: () => server.stop(),
  };
}

/** Starts the Temporal dev server on free local ports; it ends when this process does. */
export async function startTemporal(options: TemporalOptions): Promise<LocalTemporal> {
  const stateDir = resolve(options.stateDir);
  makePrivateFolder(stateDir);
  const settled = { ...options, stateDir };
  if (options.dbFile !== undefined) {
    settled.dbFile = resolve(options.dbFile);
    makePrivateFolder(dirname(settled.dbFile));
    // The server's umask only affects new files. SQLite gives its two extra files the same rights.
    if (existsSync(settled.dbFile)) chmodSync(settled.dbFile, 0o600);
  }
  return retryOnBusyPort(() => startServer(settled));
}
