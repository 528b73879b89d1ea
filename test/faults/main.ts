/**
 * `npm run test:faults`: the engine on real servers through a schedule of faults for each seed. See
 * docs/reliability.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { stateFolder } from '../../src/cli/local-env.ts';
import { writeWorkflowBundle } from '../_util/workflow-bundle.ts';
import { writeReport } from './report.ts';
import { openResultFile, type ResultFile } from './results.ts';
import { runSeed, type SeedResult } from './run-seed.ts';
import { FAULT_KINDS } from './schedule.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

interface Options {
  readonly seeds: readonly number[];
  readonly seed?: number;
  readonly tenants: number;
  readonly short: boolean;
  readonly faults: boolean;
  readonly resume: boolean;
  readonly writeDocs: boolean;
}

/** `1..20`, `7` or `1,5,9`. */
function parseSeeds(text: string): readonly number[] {
  const [first, last] = text.split('..').map(Number);
  if (first !== undefined && last !== undefined) {
    return Array.from({ length: last - first + 1 }, (_, index) => parseCount(first + index));
  }
  return text.split(',').map(parseCount);
}

function parseCount(value: string | number): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError('expected a whole number from 1 on');
  }
  return number;
}

function readOptions(): Options {
  return new Command('npm run test:faults --')
    .description('Runs the engine through seeded schedules of faults and checks I1 to I7.')
    .option('--seeds <seeds>', 'which seeds: 1..20, or 1,5,9', parseSeeds, parseSeeds('1..20'))
    .option('--seed <seed>', 'this one alone', parseCount)
    .option('--tenants <number>', 'tenants of each run', parseCount, 1000)
    .option('--short', 'each kind of fault once', false)
    .option('--no-faults', 'the same without any fault: how long a run takes by itself')
    .option('--resume', 'leave out seeds that have held before', false)
    .option('--write-docs', 'write the tables into docs/reliability.md', false)
    .parse()
    .opts<Options>();
}

async function main(): Promise<void> {
  const options = readOptions();
  const seeds = options.seed === undefined ? options.seeds : [options.seed];
  const file = openResultFile(join(stateFolder(process.env), 'faults.json'));
  const left = seeds.filter((seed) => !options.resume || !hasHeld(file, seed, options.tenants));
  const folder = mkdtempSync(join(tmpdir(), 'arcadia-faults-bundle-'));
  try {
    if (left.length > 0) await runSeeds(left, options, file, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (options.writeDocs) {
    await writeReport(
      DOCUMENT,
      file.rows().filter((row) => seeds.includes(row.seed) && row.tenants === options.tenants),
    );
  }
}

function hasHeld(file: ResultFile, seed: number, tenants: number): boolean {
  return file
    .rows()
    .some((row) => row.seed === seed && row.tenants === tenants && row.violations.length === 0);
}

async function runSeeds(
  seeds: readonly number[],
  { tenants, short, faults }: Options,
  file: ResultFile,
  folder: string,
): Promise<void> {
  const workflowBundlePath = await writeWorkflowBundle(folder);
  const isWhole = faults && !short;
  for (const seed of seeds) {
    const result = await runSeed({
      seed,
      tenants,
      isShort: short,
      withoutFaults: !faults,
      workflowBundlePath,
      log: (line) => console.error(line),
    });
    // What isn't the whole schedule must not pass for it later.
    if (isWhole) file.add(result);
    report(result);
    if (result.violations.length > 0) process.exitCode = 1;
  }
}

function report({ seed, faults, events, seconds, violations, logFolder }: SeedResult): void {
  const injected = FAULT_KINDS.reduce((sum, kind) => sum + faults[kind], 0);
  const verdict = violations.length === 0 ? 'I1 to I7 hold' : 'BROKEN';
  console.log(`seed ${seed}: ${verdict}; ${injected} faults, ${events} events, ${seconds} s`);
  for (const { invariant, text } of violations) console.log(`  ${invariant}: ${text}`);
  if (logFolder !== null) {
    console.log(`  logs: ${logFolder}; again: npm run test:faults -- --seed ${seed}`);
  }
}

await main();
// The Temporal client's connection may keep handles open.
process.exit();
