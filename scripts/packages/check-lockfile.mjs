/** `npm run lockfile:check`: see `lockfileProblems`. */
import { readPackages } from './lockfile.mjs';
import { lockfileProblems } from './lockfile-rules.mjs';

const problems = lockfileProblems(readPackages());
for (const problem of problems) console.error(problem);
console.log(`package-lock.json: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
