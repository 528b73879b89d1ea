/**
 * `npm run audit:packages`: known vulnerabilities, high and critical. Exit code 0: checked, and there are none;
 * 1: there are some; 3: not checked, because the registry doesn't answer, as some mirrors can't.
 */
import { spawnSync } from 'node:child_process';
import { PROJECT } from '../lib/cache.mjs';
import { EXIT_CODES, readAudit } from './audit-rules.mjs';

/** npm itself tries again for minutes. */
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
