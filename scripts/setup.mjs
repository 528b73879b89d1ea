/**
 * Prepares a clone: Node 24, the packages, the client's types, the Temporal CLI and, with
 * TEST_TEMPORAL=cluster, production's Temporal server. Runs before the demo and the tests, without
 * any dependency, and prints nothing if there is nothing to do.
 */
import { say } from './lib/announce.mjs';
import { ensureClientTypes } from './lib/client-types.mjs';
import { ensureNode24 } from './lib/node24.mjs';
import { ensureNodeModules } from './lib/node-modules.mjs';
import { ensureTemporalCli } from './lib/obtain-temporal-cli.mjs';
import { ensureTemporalServer } from './lib/obtain-temporal-server.mjs';

try {
  if (process.platform === 'win32') throw new Error('Windows: please run this in WSL 2.');
  await ensureNode24();
  await ensureNodeModules();
  await ensureClientTypes();
  await ensureTemporalCli();
  if (process.env.TEST_TEMPORAL === 'cluster') await ensureTemporalServer();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
