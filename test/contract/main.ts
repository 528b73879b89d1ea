/**
 * `npm run test:contract`: schemathesis over the whole OpenAPI document, on real servers, with the
 * keys of all scopes and without one. See docs/security.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { apiDocument } from '../../src/api/routes/all-routes.ts';
import { EXAMPLE_ID } from '../../src/api/openapi/example.ts';
import { EXAMPLE_NOTE_ID } from '../../src/api/openapi/field-examples.ts';
import { NoPythonError } from '../../dev/python-tool.ts';
import { stateFolder } from '../../src/cli/local-env.ts';
import { planRuns, type SecuredDocument } from './plan.ts';
import { ensureSchemathesis } from './python.ts';
import { renderSummary, writeSummary } from './report.ts';
import { runSchemathesis, type RunResult } from './run-schemathesis.ts';
import { createContractWorld } from './world.ts';

const SECURITY = fileURLToPath(new URL('../../docs/security.md', import.meta.url));
const SHORT_EXAMPLES = 2;

interface Options {
  readonly seed: number;
  readonly maxExamples: number;
  readonly short: boolean;
  readonly writeDocs: boolean;
}

function count(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('expected a whole number from 1 on');
}

function readOptions(): Options {
  return new Command('npm run test:contract --')
    .description('Tries the whole OpenAPI document against the API, by schemathesis.')
    .option('--seed <seed>', 'the same seed makes the same requests', count, 1)
    .option('--max-examples <number>', 'generated for an operation and phase', count, 30)
    .option('--short', `${SHORT_EXAMPLES} of them: what the gate runs`, false)
    .option('--write-docs', 'write the summary into docs/security.md', false)
    .parse()
    .opts<Options>();
}

async function main(): Promise<void> {
  const { seed, short, writeDocs, ...options } = readOptions();
  const maxExamples = short ? SHORT_EXAMPLES : options.maxExamples;
  const program = ensureSchemathesis();
  const folder = join(stateFolder(process.env), 'contract');
  mkdirSync(folder, { recursive: true });

  await using world = await createContractWorld();
  const json = JSON.stringify(apiDocument())
    .replaceAll(EXAMPLE_ID, world.invoiceId)
    .replaceAll(EXAMPLE_NOTE_ID, world.noteId);
  const document = join(folder, 'openapi.json');
  writeFileSync(document, json);

  const results: RunResult[] = [];
  for (const run of planRuns(JSON.parse(json) as SecuredDocument)) {
    const apiKey = world.keys[run.caller];
    const from = { program, document, folder, apiUrl: world.apiUrl, apiKey, seed, maxExamples };
    const result = await runSchemathesis(run, from);
    results.push(result);
    console.log(
      `${run.caller}, ${run.isAllowed ? 'allowed' : 'refused'}: ` +
        `${result.tested} operations, ${result.cases} cases, ${result.failures} failures`,
    );
  }
  const summary = renderSummary(results, { seed, maxExamples });
  console.log(`\n${summary}`);
  const failures = results.reduce((all, result) => all + result.failures, 0);
  writeFileSync(
    join(folder, 'result.json'),
    JSON.stringify({ passed: results.filter((result) => result.failures === 0).length, failures }),
  );
  if (writeDocs) await writeSummary(SECURITY, summary);
  if (failures > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NoPythonError)) throw error;
  console.error(`schemathesis did not run: ${error.message}`);
  process.exitCode = 1;
}
