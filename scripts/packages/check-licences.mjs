/** `npm run licences`: checks that every installed package has an allowed licence. */
import { licenceProblems } from './licence-rules.mjs';
import { lockedPackages, readPackages } from './lockfile.mjs';

const { lockfile } = readPackages();
const problems = licenceProblems(lockfile);
for (const problem of problems) console.error(problem);
console.log(`Licences of ${lockedPackages(lockfile).length} packages: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
