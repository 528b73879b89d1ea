import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { PlannedRun } from './plan.ts';

const CONFIG = fileURLToPath(new URL('./schemathesis.toml', import.meta.url));
const HOOKS = fileURLToPath(new URL('./hooks.py', import.meta.url));

export interface SchemathesisOptions {
  /** Its program. */
  readonly program: string;
  /** The document, in a file. */
  readonly document: string;
  readonly apiUrl: string;
  readonly apiKey: string | null;
  readonly seed: number;
  readonly maxExamples: number;
  /** For its reports. */
  readonly folder: string;
}

/** The result of a run. */
export interface RunResult extends PlannedRun {
  readonly tested: number;
  readonly cases: number;
  /** Failures and errors, each counted once. */
  readonly failures: number;
}

/** As much of its JSON report as is told. */
const report = z.object({
  operations: z.object({ tested: z.int() }),
  test_cases: z.object({ generated: z.int(), unique_failures: z.int() }),
  errors: z.array(z.object({ count: z.int() })),
});

/**
 * Runs schemathesis; what it finds goes to our output.
 * @throws where it leaves no report, or ends badly without saying why
 */
export async function runSchemathesis(
  run: PlannedRun,
  options: SchemathesisOptions,
): Promise<RunResult> {
  const file = join(options.folder, `${run.caller}-${run.isAllowed ? 'own' : 'others'}.json`);
  const { code, output } = await spawned(
    options.program,
    toArguments(run, options, file),
    options.folder,
  );
  if (code !== 0) console.error(output);
  const { operations, test_cases, errors } = readReport(file, output);
  const failures = test_cases.unique_failures + errors.reduce((all, { count }) => all + count, 0);
  return {
    ...run,
    tested: operations.tested,
    cases: test_cases.generated,
    // Whatever it is that it ended badly by.
    failures: code !== 0 && failures === 0 ? 1 : failures,
  };
}

function toArguments(run: PlannedRun, options: SchemathesisOptions, file: string): string[] {
  const { apiUrl, apiKey, seed, maxExamples } = options;
  return [
    ...['--config-file', CONFIG, '--no-color', 'run', options.document, '--url', apiUrl],
    ...(apiKey === null ? [] : ['--header', `Authorization: Bearer ${apiKey}`]),
    ...['--checks', 'all', '--phases', run.phases.join(',')],
    ...['--seed', String(seed), '--max-examples', String(maxExamples)],
    ...['--report', 'json', '--report-json-path', file],
    ...run.operationIds.flatMap((id) => ['--include-operation-id', id]),
  ];
}

function readReport(file: string, output: string): z.infer<typeof report> {
  try {
    return report.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Error(`schemathesis left no report:\n${output.slice(-2000)}`, { cause });
  }
}

/** @param cwd where it keeps what it remembers */
function spawned(command: string, args: readonly string[], cwd: string) {
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, SCHEMATHESIS_HOOKS: HOOKS, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
