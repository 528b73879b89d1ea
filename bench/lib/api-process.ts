import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./api-process-main.ts', import.meta.url));

/** The API in a separate process, as in production. */
export interface ApiProcess {
  /** The real one. */
  readonly url: string;
  /** The same without a ledger: requests are validated and answered, nothing more. */
  readonly echoUrl: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts it; it ends no later than this process. */
export async function startApiProcess(options: {
  readonly databaseUrl: string;
  /** The API's settings, such as `USAGE_MAX_AGE_DAYS`. */
  readonly env?: Readonly<Record<string, string>>;
}): Promise<ApiProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      // Settings under test.
      ...settingsOf(process.env),
      ...options.env,
      DATABASE_URL: options.databaseUrl,
      // For a profile of the API alone: API_NODE_OPTIONS='--cpu-prof'.
      NODE_OPTIONS: process.env.API_NODE_OPTIONS ?? '',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the API could not be started');
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    ended.then(() => Promise.reject(new Error('the API ended before it was ready'))),
  ])) as [string];
  const urls = JSON.parse(line) as { url: string; echoUrl: string };
  return {
    ...urls,
    pid,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The API's settings from the environment of the bench. */
function settingsOf(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => /^(?:API|INGESTION)_/.test(name)),
  );
}
