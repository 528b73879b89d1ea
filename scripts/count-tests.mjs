/**
 * Prints "N passed, N failed" from vitest's JSON report, as the last line of the
 * gate. Fails where there is no report, no test, or a failure.
 */
import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
try {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = report;
  const skipped = numPendingTests + numTodoTests;
  console.log(
    `${numPassedTests} passed, ${numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  process.exitCode = success && numPassedTests > 0 ? 0 : 1;
} catch (error) {
  console.error(`No test report in ${file}: ${error.message}`);
  process.exitCode = 1;
}
