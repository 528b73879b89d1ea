/**
 * Prints "N passed, N failed" from vitest's JSON reports and the results of the other suites, as
 * the last line of the gate. Fails if a report is missing, has no tests, or has a failure.
 */
import { readFileSync } from 'node:fs';

const files = process.argv.slice(2);

/** Counts a report of vitest. In other results, a run without findings counts as passed, each finding as failed. */
function count(file) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  if (report.numTotalTests === undefined) {
    const { passed, failures, skipped = 0 } = report;
    return { passed, failed: failures, skipped, isGood: failures === 0 };
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = report;
  const skipped = numPendingTests + numTodoTests;
  return { passed: numPassedTests, failed: numFailedTests, skipped, isGood: success };
}

try {
  const counts = files.map(count);
  const sum = (name) => counts.reduce((all, each) => all + each[name], 0);
  const skipped = sum('skipped');
  console.log(
    `${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  process.exitCode = counts.every(({ isGood, passed }) => isGood && passed > 0) ? 0 : 1;
} catch (error) {
  console.error(`A report is missing: ${error.message}`);
  process.exitCode = 1;
}
