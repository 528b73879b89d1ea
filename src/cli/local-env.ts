import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePrivateFile } from '../lib/private-files.ts';

/**
 * Addresses and keys of the local servers, stored in a file of environment variables: the CLI reads it, and a shell
 * can load it (`set -a; . .local/env`).
 */
export type LocalEnv = Readonly<
  Record<
    | 'DATABASE_URL'
    | 'DATABASE_MIGRATOR_URL'
    | 'TEMPORAL_ADDRESS'
    | 'TEMPORAL_NAMESPACE'
    | 'API_URL'
    | 'GATEWAY_API_KEY'
    | 'METERING_API_KEY'
    | 'OPERATOR_API_KEY',
    string
  >
>;

export function localEnvFile(stateDir: string): string {
  return join(stateDir, 'env');
}

/**
 * Writes the file, readable only by its owner because it holds secrets.
 * @returns its path
 */
export async function writeLocalEnv(stateDir: string, env: LocalEnv): Promise<string> {
  const file = localEnvFile(stateDir);
  const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
  await writePrivateFile(file, lines.join(''));
  return file;
}

/** Reads the file; null if no local servers have been started yet. */
export function readLocalEnv(stateDir: string): Partial<LocalEnv> | null {
  let text: string;
  try {
    text = readFileSync(localEnvFile(stateDir), 'utf8');
  } catch {
    return null;
  }
  const entries = text.matchAll(/^([A-Z_]+)='(.*)'$/gm);
  return Object.fromEntries(
    [...entries].map(([, name, value]) => [name, value]),
  ) as Partial<LocalEnv>;
}

const DEFAULT_FOLDER = fileURLToPath(new URL('../../.local', import.meta.url));

/** The folder in which the embedded servers keep their state: LOCAL_STATE_DIR, or `.local/` of this clone. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env.LOCAL_STATE_DIR ? resolve(env.LOCAL_STATE_DIR) : DEFAULT_FOLDER;
}
