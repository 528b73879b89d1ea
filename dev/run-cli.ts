import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

export interface CliRun {
  readonly code: number | null;
  /** What `--json` printed. */
  readonly json: unknown;
}

/**
 * Runs a command of the CLI with `--json`, as an operator does.
 * @param env of the servers
 * @param codes exit codes that are expected
 * @throws Error with what the command printed, if it ends with another exit code
 */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { signal, codes = [0] }: { readonly signal: AbortSignal; readonly codes?: readonly number[] },
): Promise<CliRun> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', CLI, '--json', ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], signal },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === null || !codes.includes(code)) {
    throw new Error(`\`${args.join(' ')}\` ended with exit code ${code}: ${stderr || stdout}`);
  }
  return { code, json: JSON.parse(stdout) as unknown };
}
