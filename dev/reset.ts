import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { localEnvFile } from '../src/cli/local-env.ts';
import { clusterDataDir, removeCluster } from './postgres-cluster.ts';
import { stopPredecessor } from './predecessor.ts';
import { temporalDbFile } from './servers.ts';

/**
 * Deletes what the local servers have kept; what the set-up has put beside it stays.
 * @throws where another run still uses it
 */
export async function resetState(stateDir: string): Promise<void> {
  const dataDir = clusterDataDir(stateDir);
  const dbFile = temporalDbFile(stateDir);
  await stopPredecessor({
    name: 'PostgreSQL',
    pidFile: join(dataDir, 'postmaster.pid'),
    dataPath: dataDir,
    stopSignal: 'SIGINT',
  });
  await stopPredecessor({
    name: 'The Temporal dev server',
    pidFile: join(stateDir, 'temporal.pid'),
    dataPath: dbFile,
    stopSignal: 'SIGTERM',
  });
  removeCluster(stateDir);
  // SQLite keeps two more files beside its own.
  for (const file of [dbFile, `${dbFile}-wal`, `${dbFile}-shm`, localEnvFile(stateDir)]) {
    rmSync(file, { force: true });
  }
}
