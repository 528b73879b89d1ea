import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', CLI] as const;

export interface StartedCli {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
}

function environment(env: Readonly<Record<string, string>>) {
  return { PATH: process.env.PATH, LOCAL_STATE_DIR: '/nonexistent', ...env };
}

/** Starts the CLI, to be watched and interrupted. */
export function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): StartedCli {
  const [command, ...first] = NODE;
  return started(spawn(command, [...first, ...args], { env: environment(env) }));
}

/** Starts it on a terminal of so many columns; what it shows there is all on standard output. */
export function startOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  columns: number,
): StartedCli {
  const typed = [...NODE, ...args].map((word) => `'${word}'`).join(' ');
  const script = ['-qec', `stty cols ${columns}; exec ${typed}`, '/dev/null'];
  return started(spawn('script', script, { env: environment({ TERM: 'xterm-256color', ...env }) }));
}

function started(child: ChildProcess): StartedCli {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}
