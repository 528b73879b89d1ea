import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, findOnPath, isExecutable, localFolder, PROJECT } from './cache.mjs';

/** The newest CLI that `go install` accepts: later tags contain a `replace`. */
export const CLI_VERSION = 'v1.5.1';

/** Where setup puts a CLI that it has downloaded or built. */
export function cachedCli() {
  return join(cacheFolder(), `temporal-${CLI_VERSION}`, 'temporal');
}

const CHOICE = join('.local', 'temporal-cli');

/** Records which CLI setup has found to work in this clone. */
export function rememberCli(path) {
  localFolder();
  writeFileSync(join(PROJECT, CHOICE), `${path}\n`);
}

function rememberedCli() {
  try {
    return readFileSync(join(PROJECT, CHOICE), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Returns the Temporal CLI: TEMPORAL_CLI, then the one that setup chose, then any on the machine. */
export function findTemporalCli() {
  if (process.env.TEMPORAL_CLI) return process.env.TEMPORAL_CLI;
  return [rememberedCli(), findOnPath('temporal'), cachedCli()].find(
    (path) => path !== undefined && isExecutable(path),
  );
}
