import { expect } from 'vitest';
import { runCli } from './_run-cli.ts';

/** What a command prints, when it succeeds. Not in `_run-cli.ts`, which also runs outside of Vitest. */
export async function printedBy(...call: Parameters<typeof runCli>): Promise<string> {
  const { code, stdout, stderr } = await runCli(...call);
  expect(code, stderr + stdout).toBe(0);
  return stdout;
}
