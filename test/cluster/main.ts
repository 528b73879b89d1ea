/**
 * `npm run test:cluster`: tests, faults and a bench on production's Temporal server. See `--help`, or
 * docs/adr/0027-tests-on-the-real-server.md.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { readResults } from '../../bench/lib/results.ts';
import { verdictOf, type Verdict } from '../../bench/lib/verdict.ts';
import { stateFolder } from '../../src/cli/local-env.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(stateFolder(process.env), 'cluster');
const SETUP = ['scripts/setup.mjs'];
const RUN = 'scripts/run.mjs';

/** The exit code if there is no Temporal server, so that nothing was tested. */
const NOT_RUN = 3;

const HELP = `
Starts production's Temporal server on the embedded PostgreSQL and runs on it:
  tests   the tests of workflows and of Temporal; without --short also of the whole system (test/e2e)
  faults  each kind of fault once; the Temporal server and its PostgreSQL are killed and restarted
  bench   a month end compared with the dev server, and two workers compared with one

The server comes from TEMPORAL_SERVER_FOLDER or the cache; otherwise Go builds it once, which takes about
3 minutes on 2 cores. Any test, fault or bench can run on it alone:
  TEST_TEMPORAL=cluster npm test -- test/workflows
  TEST_TEMPORAL=cluster npm run test:faults -- --seed 7

Exits with 1 after a failure, and with ${NOT_RUN} if there is no server, so that nothing was tested.
The counts are in .local/cluster/result.json.`;

interface Counts {
  readonly passed: number;
  readonly failures: number;
  readonly skipped: number;
}

interface Part {
  readonly name: 'tests' | 'faults' | 'bench';
  readonly args: readonly string[];
  /** The arguments of the short form, if they differ. */
  readonly shortArgs?: readonly string[];
  /** Counts the part's results. @throws Error if it wrote none */
  readonly count: (exitCode: number) => Counts;
}

const TEST_REPORT = join(FOLDER, 'tests.json');
const BENCH_REPORT = join(FOLDER, 'bench.json');

const VITEST = [
  ...['vitest', 'run', '--project', 'integration', '--project', 'e2e'],
  `--outputFile.json=${TEST_REPORT}`,
  ...['test/workflows', 'test/temporal'],
];

const PARTS: readonly Part[] = [
  {
    name: 'tests',
    // The demo starts its own servers, always the dev server.
    args: [...VITEST, 'test/e2e', '--exclude', 'test/e2e/demo.test.ts'],
    shortArgs: VITEST,
    count() {
      const report = JSON.parse(readFileSync(TEST_REPORT, 'utf8')) as Record<string, number>;
      const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = report;
      return { passed: numPassedTests, failures: numFailedTests, skipped: numPendingTests };
    },
  },
  {
    name: 'faults',
    args: ['test/faults/main.ts', '--short', '--seed', '1', '--tenants', '25'],
    count: (exitCode) => ({
      passed: exitCode === 0 ? 1 : 0,
      failures: exitCode === 0 ? 0 : 1,
      skipped: 0,
    }),
  },
  {
    name: 'bench',
    args: ['bench/main.ts', 'cluster', '--json', BENCH_REPORT],
    shortArgs: ['bench/main.ts', 'cluster', '--smoke', '--json', BENCH_REPORT],
    count(exitCode) {
      const verdicts = readResults(BENCH_REPORT).flatMap(({ figures }) => figures.map(verdictOf));
      if (verdicts.length === 0) throw new Error('the bench has no result');
      // A smoke run succeeds whatever its bounds say, because it is too small to measure.
      const isShort = (verdict: Verdict) => exitCode !== 0 && verdict === 'short';
      const failures = verdicts.filter(isShort).length;
      return { passed: verdicts.length - failures, failures, skipped: 0 };
    },
  },
];

interface Options {
  readonly short: boolean;
  readonly only?: Part['name'];
}

function readOptions(): Options {
  return new Command('npm run test:cluster --')
    .description("Tests the product on production's Temporal server with PostgreSQL.")
    .option('--short', 'no test/e2e, and only a smoke run of the bench, as in the gate', false)
    .addOption(new Option('--only <part>', 'one part alone').choices(PARTS.map(({ name }) => name)))
    .addHelpText('after', HELP)
    .parse()
    .opts<Options>();
}

/** Runs a script of this project on the real server, with its output on ours. @returns the exit code */
function run(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: PROJECT,
      stdio: 'inherit',
      env: { ...process.env, TEST_TEMPORAL: 'cluster' },
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => child.kill(signal));
    }
  });
}

/** A part that fails before it has written its results counts as one failure. */
async function runPart({ name, count }: Part, args: readonly string[]): Promise<Counts> {
  console.log(`\n== On the real Temporal server: ${name}`);
  const startedAt = Date.now();
  const exitCode = await run([RUN, ...args]);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  let counts: Counts;
  try {
    counts = count(exitCode);
  } catch (error) {
    console.error(`${name}: no results: ${String(error)}`);
    counts = { passed: 0, failures: 1, skipped: 0 };
  }
  if (exitCode !== 0 && counts.failures === 0) {
    console.error(`${name}: ended with exit code ${exitCode}`);
    counts = { ...counts, failures: 1 };
  }
  console.log(`${name}: ${describe(counts)}, ${seconds} s`);
  return counts;
}

function describe({ passed, failures, skipped }: Counts): string {
  return `${passed} passed, ${failures} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

async function main(): Promise<void> {
  const { short, only } = readOptions();
  const parts = PARTS.filter(({ name }) => only === undefined || name === only);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  if ((await run(SETUP)) !== 0) {
    console.error('NOT RUN: there is no Temporal server; the reason is above.');
    process.exitCode = NOT_RUN;
    return;
  }
  const all: Counts[] = [];
  for (const part of parts) {
    const args = short && part.shortArgs !== undefined ? part.shortArgs : part.args;
    all.push(await runPart(part, args));
  }
  const sum = (key: keyof Counts) => all.reduce((total, counts) => total + counts[key], 0);
  const result: Counts = {
    passed: sum('passed'),
    failures: sum('failures'),
    skipped: sum('skipped'),
  };
  writeFileSync(join(FOLDER, 'result.json'), JSON.stringify(result));
  console.log(`\nOn the real Temporal server: ${describe(result)}`);
  process.exitCode = result.failures === 0 && result.passed > 0 ? 0 : 1;
}

await main();
