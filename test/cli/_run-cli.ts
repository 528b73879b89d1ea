import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Environment of commands that wait in vain for a server. */
export const IN_A_HURRY = { START_TIMEOUT_SECONDS: '1' };

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the CLI as a user does, in an environment of nothing but what is given. */
export function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', CLI, ...args],
    // Never the servers that happen to run beside the tests.
    { env: { PATH: process.env.PATH, LOCAL_STATE_DIR: '/nonexistent', ...env } },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
