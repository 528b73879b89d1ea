import { defineConfig } from 'vitest/config';
import { requireNode24 } from './test/_util/require-node-24.ts';

requireNode24('npm test -- <file>');

/** What Stryker runs for each mutant: separate, because vitest.config.ts also starts the servers. */
export default defineConfig({
  test: {
    // Only tests of what is mutated: each mutant runs them all.
    include: ['test/{domain,contracts,audit,ingestion,lib,vectors}/**/*.unit.test.ts'],
    // As in vitest.config.ts; each mutant still has a worker of its own.
    isolate: false,
    setupFiles: ['test/_util/fixed-seed.ts'],
    // A hanging mutant fails here before Stryker would give up on it.
    testTimeout: 8_000,
  },
});
