/**
 * Mutation testing: `npm run test:mutation`, or for one file
 * `npm run test:mutation -- --mutate src/domain/quote.ts`. See docs/mutation-testing.md.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: [
    'src/domain/**/*.ts',
    // The ledger's pure parts, which know no database. The rest of the folder puts them together
    // with PostgreSQL, which decides there.
    'src/ingestion/check-event.ts',
    'src/ingestion/content-hash.ts',
    'src/ingestion/corrections.ts',
    'src/ingestion/field-errors.ts',
    'src/ingestion/fields.ts',
    'src/lib/group-commit.ts',
    'src/ingestion/instant.ts',
    'src/ingestion/llm-event.ts',
    'src/ingestion/metered-record.ts',
    'src/ingestion/parse-event.ts',
    'src/ingestion/results.ts',
    'src/ingestion/time-bounds.ts',
    'src/lib/json-flaw.ts',
    // And what a signature is.
    'src/lib/signing/**/*.ts',
  ],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts' },
  thresholds: { high: 95, low: 90, break: 90 },
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { logTests: false, reportTests: false },
  jsonReporter: { fileName: '.local/mutation/report.json' },
  tempDirName: '.local/mutation/sandbox',
  cleanTempDir: 'always',
  incrementalFile: '.local/mutation/incremental.json',
  // For the sandbox: nothing that the tests don't read.
  ignorePatterns: ['.local', 'coverage', 'test/replay/histories'],
  // A mutant's tests take a core; on a machine of one's own, `--concurrency 4` is faster.
  concurrency: 1,
};
