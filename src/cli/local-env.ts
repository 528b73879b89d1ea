import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePrivateFile } from '../lib/private-files.ts';

/**
 * Addresses and keys of the local servers, as environment variables in a file: the CLI finds them
 * there, and so does a shell (`set -a; . .local/env`).
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

/** The file holds secrets: only its owner may read it. */
export async function writeLocalEnv(stateDir: string, env: LocalEnv): Promise<string> {
  const file = localEnvFile(stateDir);
  const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
  await writePrivateFile(file, lines.join(''));
  return file;
}

/** Null where no local servers have been started yet. */
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

/** Where the embedded servers keep their state: `.local/` of this clone, or LOCAL_STATE_DIR. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env.LOCAL_STATE_DIR ? resolve(env.LOCAL_STATE_DIR) : DEFAULT_FOLDER;
}
