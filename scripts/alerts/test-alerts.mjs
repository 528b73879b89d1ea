/**
 * `npm run test:alerts`: checks the alert rules and runs their unit tests with promtool. Writes the
 * counts to `.local/alerts/result.json`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT, localFolder } from '../lib/cache.mjs';
import { runCommand } from '../lib/run-command.mjs';
import { obtainPromtool } from './obtain-promtool.mjs';

const FOLDER = join(PROJECT, 'deploy', 'observability');
const { tests } = parse(readFileSync(join(FOLDER, 'alerts.test.yml'), 'utf8'));

let failures = 0;
const promtool = await obtainPromtool();
for (const args of [
  ['check', 'rules', 'alerts.yml'],
  ['test', 'rules', 'alerts.test.yml'],
]) {
  const { code, output } = await runCommand(promtool, args, { cwd: FOLDER });
  console.log(output.trim());
  // promtool names each failed test by its expression.
  if (code !== 0) failures += Math.max(1, [...output.matchAll(/^\s+expr: /gm)].length);
}
const result = { passed: Math.max(0, tests.length - failures), failures };
const folder = join(localFolder(), 'alerts');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'result.json'), JSON.stringify(result));
console.log(`alerts: ${result.passed} tests passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
