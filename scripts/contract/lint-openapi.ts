import { lintOpenApi } from './openapi-lint.ts';

/** `npm run openapi:lint`: checks the document with an independent linter. */
const problems = await lintOpenApi();
for (const problem of problems) console.error(problem);
console.log(`OpenAPI document: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
