/**
 * `npm run audit:packages`: checks for known vulnerabilities, high and critical. Exit code 0: none
 * found; 1: some found; 3: not checked, because the registry doesn't answer audits, as some mirrors
 * don't.
 */
import { spawnSync } from 'node:child_process';
import { PROJECT } from '../lib/cache.mjs';
import { EXIT_CODES, readAudit } from './audit-rules.mjs';

/** npm itself retries for minutes. */
const TIMEOUT_MS = 120_000;

const { stdout, error } = spawnSync('npm', ['audit', '--json'], {
  cwd: PROJECT,
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  maxBuffer: 64 * 1024 * 1024,
});
const { outcome, summary, findings } = readAudit(error ? '' : stdout, error?.message);
console.log(summary);
for (const finding of findings) console.error(finding);
process.exitCode = EXIT_CODES[outcome];
