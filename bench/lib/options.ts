import { Command, InvalidArgumentError } from 'commander';
import type { Bench } from './bench.ts';

/** The options of `npm run bench`. */
export interface BenchOptions {
  /** The named benches, or all. */
  readonly benches: readonly Bench[];
  readonly smoke: boolean;
  readonly list: boolean;
  readonly seed: number;
  /** The file for the results; null: the default file. */
  readonly json: string | null;
  readonly writeDocs: boolean;
  /** Sizes from the command line, by name. */
  readonly sizes: Readonly<Record<string, number>>;
}

const EXAMPLES = `
Examples:
  npm run bench                                    all of them; exits with 1 where a bound is missed
  npm run bench -- month-end growth                these alone
  npm run bench -- growth --tenants 5000           with another size
  npm run bench -- --smoke                         that they run, as CI does; nothing about speed
  npm run bench -- --write-docs                    and write docs/performance.md and its charts`;

function parseCount(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0) {
    throw new InvalidArgumentError('expected a whole number');
  }
  return number;
}

/** @param args without Node and the script. Ends the process for \`--help\` and for invalid arguments. */
export function parseOptions(args: readonly string[], benches: readonly Bench[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description('Measures the engine against limits that are measured in the same run.')
    .argument('[benches...]', `which: ${benches.map(({ name }) => name).join(', ')}; or all`)
    .option('--smoke', 'small, on shared servers: checks that they run, and no bound', false)
    .option('--list', 'name the benches and their sizes', false)
    .option('--seed <number>', 'what generated data is made from', parseCount, 1)
    .option('--json <file>', 'where to keep the results, by default .local/bench/results.json')
    .option('--write-docs', 'write table and charts into docs/performance.md', false)
    .addHelpText('after', EXAMPLES);
  const sizeNames = new Set(benches.flatMap(({ sizes }) => Object.keys(sizes)));
  for (const name of sizeNames) {
    command.option(
      `--${toFlag(name)} <number>`,
      `a size of ${benchesWith(name, benches)}`,
      parseCount,
    );
  }
  command.parse(args, { from: 'user' });
  const given = command.opts<Record<string, unknown>>();
  return {
    benches: command.args.length === 0 ? benches : findBenches(command, benches),
    smoke: given.smoke === true,
    list: given.list === true,
    seed: Number(given.seed),
    json: typeof given.json === 'string' ? given.json : null,
    writeDocs: given.writeDocs === true,
    sizes: Object.fromEntries(
      [...sizeNames].flatMap((name) => {
        const value = given[name];
        return typeof value === 'number' ? [[name, value] as const] : [];
      }),
    ),
  };
}

/** Converts `tenantsPerChild` to `--tenants-per-child`. */
function toFlag(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function benchesWith(size: string, benches: readonly Bench[]): string {
  return benches
    .filter(({ sizes }) => Object.hasOwn(sizes, size))
    .map(({ name }) => name)
    .join(', ');
}

function findBenches(command: Command, benches: readonly Bench[]): readonly Bench[] {
  return command.args.map((name) => {
    const bench = benches.find((known) => known.name === name);
    if (bench) return bench;
    return command.error(`error: there is no bench ${name}: see --list`);
  });
}
