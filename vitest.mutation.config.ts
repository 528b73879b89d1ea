import { defineConfig } from 'vitest/config';
import { WITHOUT_SERVERS } from './vitest.config.ts';

/**
 * What Stryker runs for each mutant. A configuration of its own, because the other one starts the
 * servers for whatever is run.
 */
export default defineConfig({
  test: {
    include: WITHOUT_SERVERS,
    // They look at documents, not at the domain.
    exclude: ['test/{api,client,scripts,workflows}/**'],
    // As in the domain project; each mutant still has a worker of its own.
    isolate: false,
    setupFiles: ['test/_util/fixed-seed.ts'],
    // A mutant that never answers fails here, sooner than Stryker would give it up.
    testTimeout: 4_000,
  },
});
