import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makePrivateFolder, writeAtOnce, writePrivateFile } from '../src/lib/private-files.ts';
import { serverEnvironment } from './guarded-process.ts';
import {
  type PostgresBinaries,
  serverUser,
  sharedRoot,
  type ServerUser,
} from './postgres-binaries.ts';

export interface Cluster {
  /** Folder of the server's user, which contains `dataDir`. */
  home: string;
  dataDir: string;
  password: string;
  user: ServerUser | undefined;
}

const PASSWORD_FILE = 'postgres-password';

/** The home of a state folder's cluster: inside it or, for root, in a folder that the server's user can enter. */
function clusterHome(stateDir: string, user: ServerUser | undefined): string {
  if (user === undefined) return join(stateDir, 'postgres');
  const hash = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 16);
  return join(sharedRoot(), hash);
}

/** The data folder of a state folder's cluster, which need not exist. */
export function clusterDataDir(stateDir: string): string {
  return join(clusterHome(stateDir, serverUser()), 'data');
}

/** Deletes the cluster of a state folder. Its server must not be running. */
export function removeCluster(stateDir: string): void {
  rmSync(clusterHome(stateDir, serverUser()), { recursive: true, force: true });
  rmSync(join(stateDir, PASSWORD_FILE), { force: true });
}

function readPassword(stateDir: string): string | undefined {
  const file = join(stateDir, PASSWORD_FILE);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

async function makePassword(stateDir: string): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  await writePrivateFile(join(stateDir, PASSWORD_FILE), `${password}\n`);
  return password;
}

function makeHome(home: string, user: ServerUser | undefined): void {
  makePrivateFolder(home);
  if (user !== undefined) chownSync(home, user.uid, user.gid);
  chmodSync(home, 0o700);
}

/** Runs initdb in a temporary folder next to the final one, so that a killed initdb leaves no partial cluster. */
async function runInitdb(
  cluster: Cluster,
  binaries: PostgresBinaries,
  durable: boolean,
): Promise<void> {
  // A unique name: the initdb of a killed run may still be writing to its folder.
  const partial = `${cluster.dataDir}.partial-${process.pid}`;
  const passwordFile = `${partial}.password`;
  writeAtOnce(passwordFile, `${cluster.password}\n`, cluster.user);
  try {
    await promisify(execFile)(
      binaries.initdb,
      [
        `--pgdata=${partial}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The same sorting and case rules on every machine.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(durable ? [] : ['--no-sync']),
      ],
      { cwd: cluster.home, env: serverEnvironment(), ...cluster.user },
    );
  } catch (error) {
    const reason = (error as { stderr?: string }).stderr ?? String(error);
    throw new Error(`initdb failed:\n${reason}`, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(partial, cluster.dataDir);
  for (const name of readdirSync(cluster.home).filter((entry) => entry.includes('.partial-'))) {
    rmSync(join(cluster.home, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

function assertSameVersion(cluster: Cluster, binaries: PostgresBinaries): void {
  const version = readFileSync(join(cluster.dataDir, 'PG_VERSION'), 'utf8').trim();
  if (version === binaries.majorVersion) return;
  throw new Error(
    `${cluster.dataDir} was created by PostgreSQL ${version}, but this is ${binaries.majorVersion}. ` +
      'Run `npm run demo -- --reset` to delete it and start over.',
  );
}

/**
 * Returns the cluster of a state folder and creates it if there is none. The password is in the state folder, so deleting
 * that folder resets the cluster even if its data are elsewhere.
 */
export async function openCluster(
  stateDir: string,
  binaries: PostgresBinaries,
  { durable }: { durable: boolean },
): Promise<Cluster> {
  const user = serverUser();
  const home = clusterHome(stateDir, user);
  const known = readPassword(stateDir);
  if (known === undefined) removeCluster(stateDir);
  const password = known ?? (await makePassword(stateDir));
  const cluster: Cluster = { home, dataDir: join(home, 'data'), password, user };
  makeHome(home, user);
  if (existsSync(cluster.dataDir)) assertSameVersion(cluster, binaries);
  else await runInitdb(cluster, binaries, durable);
  return cluster;
}
