import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/_util/longest-first.ts';
import { requireNode24 } from './test/_util/require-node-24.ts';

requireNode24('npm test -- <file>');

/** Tests that need no server; every other test runs against the real ones. */
const WITHOUT_SERVERS = 'test/**/*.unit.test.ts';
/** Tests that start the product's processes, or whole benches. They take minutes, so `npm run test:e2e` runs them. */
const OF_PROCESSES = ['e2e', 'cli', 'bench', 'faults'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    pool: 'forks',
    // Two on two cores would leave a third of the time unused: tests wait for servers and processes.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: '.local/test-report.json' },
    projects: [
      {
        extends: true,
        // They share no state, and one process per file would take most of the time.
        test: { name: 'unit', include: [WITHOUT_SERVERS], isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          // vitest.browser.config.ts runs those in a browser.
          exclude: [WITHOUT_SERVERS, ...OF_PROCESSES, 'test/browser/**'],
          globalSetup: 'test/_util/global-setup.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: OF_PROCESSES,
          exclude: [WITHOUT_SERVERS],
          globalSetup: 'test/_util/global-setup.ts',
        },
      },
    ],
  },
});
