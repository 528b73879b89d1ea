import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, findOnPath, isExecutable, localFolder, PROJECT } from './cache.mjs';

/** The newest CLI that `go install` takes: later tags carry a `replace`. */
export const CLI_VERSION = 'v1.5.1';

/** Where the set-up puts a CLI that it has fetched or built. */
export function cachedCli() {
  return join(cacheFolder(), `temporal-${CLI_VERSION}`, 'temporal');
}

const CHOICE = join('.local', 'temporal-cli');

/** Writes down which CLI the set-up has found to work in this clone. */
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

/** The Temporal CLI: TEMPORAL_CLI, else what the set-up chose, else wherever one is. */
export function findTemporalCli() {
  if (process.env.TEMPORAL_CLI) return process.env.TEMPORAL_CLI;
  return [rememberedCli(), findOnPath('temporal'), cachedCli()].find(
    (path) => path !== undefined && isExecutable(path),
  );
}
