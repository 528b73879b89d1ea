import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { requireNode24 } from './test/_util/require-node-24.ts';

requireNode24('npm test -- <file>');

/** The money and the ledger's rules: in seconds, to be run at every change. */
const DOMAIN = [
  'test/domain/**/*.test.ts',
  'test/contracts/**/*.test.ts',
  'test/{ingestion,lib}/pure/**/*.test.ts',
  'test/audit/**/*.pure.test.ts',
];

/** What else needs no server: documents, commands, packages. */
const PURE = [
  'test/{api,bench,client,scripts}/pure/**/*.test.ts',
  'test/cli/**/*.pure.test.ts',
  'test/pages/**/*.test.ts',
  'test/ingestion/fuzz/**/*.test.ts',
  'test/processes/**/*.test.ts',
  'test/signing/**/*.test.ts',
  'test/tracing/**/*.test.ts',
  'test/documents/**/*.pure.test.ts',
  'test/webhooks/pure/**/*.test.ts',
  'test/workflows/**/*.pure.test.ts',
];

/** Tests that need no server; everything else runs against the real ones. */
export const WITHOUT_SERVERS = [...DOMAIN, ...PURE];

export default defineConfig({
  test: {
    pool: 'forks',
    // On two cores the default is one at a time; most of a test's time is spent waiting for a server.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: '.local/test-report.json' },
    projects: [
      {
        extends: true,
        // They share no state, and a process for each file would take most of the time.
        test: { name: 'domain', include: DOMAIN, isolate: false },
      },
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          // Those in a browser: vitest.browser.config.ts.
          exclude: [...WITHOUT_SERVERS, 'test/browser/**'],
          globalSetup: 'test/_util/global-setup.ts',
        },
      },
    ],
  },
});
