/**
 * `npm run audit:packages`: known vulnerabilities, high and critical. Where the registry can't be
 * asked, it says so and passes: a mirror must not keep us from working.
 */
import { spawnSync } from 'node:child_process';
import { PROJECT } from '../lib/cache.mjs';
import { readAudit } from './audit-rules.mjs';

const { stdout } = spawnSync('npm', ['audit', '--json'], { cwd: PROJECT, encoding: 'utf8' });
const { couldNotAsk, findings } = readAudit(stdout);
if (couldNotAsk !== null) console.log(`Not audited, the registry can't be asked: ${couldNotAsk}`);
else console.log(`Audit: ${findings.length} high or critical`);
for (const finding of findings) console.error(finding);
process.exitCode = findings.length === 0 ? 0 : 1;
