import { defineConfig } from 'vitest/config';
import { WITHOUT_SERVERS } from './vitest.config.ts';

/** What Stryker runs for each mutant: separate, because vitest.config.ts also starts the servers. */
export default defineConfig({
  test: {
    include: [WITHOUT_SERVERS],
    // They test documents, not the domain.
    exclude: ['test/{api,client,scripts,workflows}/**'],
    // As in vitest.config.ts; each mutant still has a worker of its own.
    isolate: false,
    setupFiles: ['test/_util/fixed-seed.ts'],
    // A hanging mutant fails here before Stryker would give up on it.
    testTimeout: 4_000,
  },
});
