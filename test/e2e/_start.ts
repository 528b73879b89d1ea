import { spawn, type ChildProcess } from 'node:child_process';
import { until } from '../_util/until.ts';

/** `npm start` as run by a deployment, with its output. */
export interface Started {
  readonly child: ChildProcess;
  output: string;
  /** The exit code. */
  readonly code: Promise<number | null>;
}

/** @param env the process's whole environment, except PATH */
export function startProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Started {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'src/start.ts', ...args],
    { env: { PATH: process.env.PATH, ...env } },
  );
  const started = {
    child,
    output: '',
    code: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (started.output += chunk.toString()));
  }
  return started;
}

/** Waits for the API. @returns its address */
export async function untilApiStarted(started: Started): Promise<string> {
  await until(
    () => Promise.resolve(started.output),
    (output) => output.includes('API started'),
  );
  const [, url = ''] = /"url":"([^"]+)"/.exec(started.output) ?? [];
  return url;
}
