import { defineConfig } from 'vitest/config';
import { requireNode24 } from './test/_util/require-node-24.ts';

requireNode24('npm run test:browser -- <file>');

/** What a browser is needed for, apart from the rest: `npm test` does without one. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    pool: 'forks',
    // A browser uses a core of its own.
    maxWorkers: 1,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: '.local/browser-report.json' },
    globalSetup: 'test/browser/_global-setup.ts',
  },
});
