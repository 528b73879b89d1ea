/**
 * Mutation testing: `npm run test:mutation`, or for one file
 * `npm run test:mutation -- --mutate src/domain/quote.ts`. See docs/mutation-testing.md.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: [
    'src/domain/**/*.ts',
    // The ledger's pure parts, which don't use the database. The rest of the folder combines them
    // with PostgreSQL, which makes the decisions there.
    'src/ingestion/check-event.ts',
    'src/ingestion/content-hash.ts',
    'src/ingestion/corrections.ts',
    'src/ingestion/field-errors.ts',
    'src/ingestion/usage-fields.ts',
    'src/lib/group-commit.ts',
    'src/ingestion/instant.ts',
    'src/ingestion/llm-event.ts',
    'src/ingestion/metered-record.ts',
    'src/ingestion/results.ts',
    'src/ingestion/time-bounds.ts',
    'src/lib/json-flaw.ts',
    // Signature checks.
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
  // Not copied to the sandbox, because the tests don't read them.
  ignorePatterns: ['.local', 'coverage', 'test/replay/histories'],
  // A mutant's tests use one core; on a dedicated machine, `--concurrency 4` is faster.
  concurrency: 1,
};
