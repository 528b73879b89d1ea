import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../scripts/lib/cache.mjs';
import { makePrivateFolder, writeAtOnce } from '../../src/lib/private-files.ts';
import { anyFreePort } from '../free-port.ts';
import { retryOnBusyPort, startGuarded, waitUntilReady } from '../guarded-process.ts';
import { ensurePythonTool } from '../python-tool.ts';
import { CALLBACK_ENVIRONMENT, litellmConfig, type LitellmKey } from './litellm-config.ts';

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const GATEWAY = fileURLToPath(new URL('./gateway.py', import.meta.url));
/** Importing all of it takes its time, above all the first time. */
const START_TIMEOUT_MS = 180_000;

/**
 * Installs LiteLLM's proxy from PyPI into the cache that all clones share, unless it is there.
 * @returns the folder with its programs
 * @throws NoPythonError
 */
export function ensureLitellm(): string {
  return ensurePythonTool({ name: 'litellm', requirements: REQUIREMENTS, parent: cacheFolder() });
}

export interface LitellmOptions {
  /** The folder with its programs: see `ensureLitellm`. */
  readonly programs: string;
  /** For its configuration, log and spend log. */
  readonly folder: string;
  /** Of our API. */
  readonly apiUrl: string;
  /** An API key of scope gateway. */
  readonly apiKey: string;
  /** By the key's text, `sk-…`. */
  readonly keys: Readonly<Record<string, LitellmKey>>;
  readonly masterKey: string;
  /** More variables, in place of those that lose nothing. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A running LiteLLM proxy whose models answer by themselves. */
export interface LitellmProxy {
  readonly url: string;
  /** The rows of LiteLLM's spend log, one JSON object per line. It exists after the first request. */
  readonly spendLogFile: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

/** Starts a proxy, which ends when this process does. It needs no network. */
export function startLitellm(options: LitellmOptions): Promise<LitellmProxy> {
  return retryOnBusyPort(() => startProxy(options));
}

async function startProxy(options: LitellmOptions): Promise<LitellmProxy> {
  const { programs, folder, apiUrl, apiKey, keys, masterKey, env = {} } = options;
  // LiteLLM looks for modules in the folder two above its own first, which must not be a shared one.
  const cwd = join(folder, 'run', 'here');
  makePrivateFolder(cwd);
  const config = join(folder, 'config.yaml');
  writeAtOnce(config, litellmConfig(apiUrl));
  // The configuration names modules next to itself.
  writeAtOnce(join(folder, 'gateway.py'), readFileSync(GATEWAY, 'utf8'));
  const keyFile = join(folder, 'keys.json');
  writeAtOnce(keyFile, JSON.stringify(keys));
  const spendLogFile = join(folder, 'spend-log.ndjson');
  rmSync(spendLogFile, { force: true });
  const logFile = join(folder, 'litellm.log');
  const port = await anyFreePort();
  const url = `http://127.0.0.1:${port}`;
  const server = startGuarded(
    {
      command: join(programs, 'litellm'),
      args: [
        '--config',
        config,
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
        '--telemetry',
        'False',
      ],
      cwd,
      user: undefined,
      stopSignal: 'SIGTERM',
      killAfterMs: 20_000,
    },
    logFile,
    {
      ...CALLBACK_ENVIRONMENT,
      ARCADIA_AUTHORIZATION: `Bearer ${apiKey}`,
      ARCADIA_LITELLM_KEYS: keyFile,
      ARCADIA_SPEND_LOG: spendLogFile,
      LITELLM_MASTER_KEY: masterKey,
      // Prices come from the package, not from GitHub.
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      LITELLM_LOG: 'WARNING',
      HF_HUB_OFFLINE: '1',
      ...env,
    },
  );
  await waitUntilReady(server, {
    name: 'The LiteLLM proxy',
    probe: () => probe(url),
    logFile,
    timeoutMs: START_TIMEOUT_MS,
  });
  return { url, spendLogFile, logFile, stop: () => server.stop() };
}

async function probe(url: string): Promise<void> {
  const { status } = await fetch(`${url}/health/liveliness`, {
    signal: AbortSignal.timeout(2_000),
  });
  if (status !== 200) throw new Error(`the proxy answered ${status}`);
}
