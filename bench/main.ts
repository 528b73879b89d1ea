/** `npm run bench`: see docs/performance.md, or `npm run bench -- --help`. */
import { join } from 'node:path';
import { stateFolder } from '../src/cli/local-env.ts';
import { describeMachine } from '../test/_util/machine.ts';
import { BENCHES } from './index.ts';
import { parseOptions } from './lib/options.ts';
import { renderFigures } from './lib/render-figures.ts';
import { keepResult, readResults } from './lib/results.ts';
import { runBenches } from './lib/run-benches.ts';
import { verdictOf } from './lib/verdict.ts';
import { writeDocs } from './lib/write-docs.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), BENCHES);
  const { benches, smoke: isSmoke, seed, sizes } = options;
  if (options.list) {
    for (const bench of benches) {
      const defaults = Object.entries(bench.sizes).map(([name, { full }]) => `${name} ${full}`);
      console.log(`${bench.name.padEnd(20)} ${bench.title} (${defaults.join(', ')})`);
    }
    return;
  }
  // Measurements of a smoke run aren't results.
  const usual = isSmoke ? 'smoke.json' : 'results.json';
  const file = options.json ?? join(stateFolder(process.env), 'bench', usual);
  const log = (message: string) => console.error(message);
  console.log(`${describeMachine()}; seed ${seed}`);
  for await (const outcome of runBenches(benches, { isSmoke, seed, sizes, log })) {
    console.log(`\n${outcome.bench.name}: ${outcome.bench.title}`);
    if ('error' in outcome) {
      console.error(outcome.error);
      process.exitCode = 1;
      continue;
    }
    const { result } = outcome;
    console.log(renderFigures(result.figures));
    keepResult(file, result);
    const isShort = result.figures.some((figure) => verdictOf(figure) === 'short');
    if (isShort && !isSmoke) process.exitCode = 1;
  }
  console.log(`\nresults in ${file}`);
  if (options.writeDocs) await writeDocs(readResults(file), BENCHES);
}

await main();
// The Temporal client's connection may keep handles open.
process.exit();
