/**
 * Prints "N passed, N failed" from vitest's JSON reports and the results of the other suites, as
 * the last line of the gate. Fails if a report is missing, has no tests, or has a failure.
 */
import { readFileSync } from 'node:fs';

const [testReport, browserReport, ...results] = process.argv.slice(2);

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function countTests(file) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = readJson(file);
  const skipped = numPendingTests + numTodoTests;
  return { passed: numPassedTests, failed: numFailedTests, skipped, isGood: success };
}

/** A schemathesis run or promtool test without findings counts as passed, each finding as failed. */
function countResult(file) {
  const { passed, failures, skipped = 0 } = readJson(file);
  return { passed, failed: failures, skipped, isGood: failures === 0 };
}

try {
  const counts = [countTests(testReport), countTests(browserReport), ...results.map(countResult)];
  const sum = (name) => counts.reduce((all, count) => all + count[name], 0);
  const skipped = sum('skipped');
  console.log(
    `${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  process.exitCode = counts.every(({ isGood, passed }) => isGood && passed > 0) ? 0 : 1;
} catch (error) {
  console.error(`A report is missing: ${error.message}`);
  process.exitCode = 1;
}
