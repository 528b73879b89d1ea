import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, isExecutable } from './cache.mjs';

/** The version of production's Temporal server, which is also the one inside the Temporal CLI's dev server. */
export const SERVER_VERSION = '1.29.1';

/** Where setup puts the server that it has built. */
export function cachedServer() {
  return join(cacheFolder(), `temporal-server-${SERVER_VERSION}`);
}

/** Returns the paths of the server's parts in a folder. */
export function serverParts(folder) {
  return {
    server: join(folder, 'temporal-server'),
    sqlTool: join(folder, 'temporal-sql-tool'),
    /** The configuration template of the server's sources, which reads environment variables. */
    config: join(folder, 'config', 'docker.yaml'),
  };
}

/** Whether all parts are in the folder. */
export function isWhole(folder) {
  const { server, sqlTool, config } = serverParts(folder);
  return isExecutable(server) && isExecutable(sqlTool) && existsSync(config);
}

/** Returns the folder with the server: TEMPORAL_SERVER_FOLDER, or the one in the cache, if there is one. */
export function findTemporalServer() {
  const named = process.env.TEMPORAL_SERVER_FOLDER;
  if (named) return named;
  return isWhole(cachedServer()) ? cachedServer() : undefined;
}
