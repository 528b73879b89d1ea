import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEFAULT_FOLDER = fileURLToPath(new URL('../../.local', import.meta.url));

/** Where the embedded servers keep their state: `.local/` of this clone, or LOCAL_STATE_DIR. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env.LOCAL_STATE_DIR ? resolve(env.LOCAL_STATE_DIR) : DEFAULT_FOLDER;
}
