import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stateFolder } from '../../src/cli/local-env.ts';

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
/** What schemathesis asks for. */
const MIN_MINOR = 11;
const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];

/** There is no Python to run schemathesis, or it can't be installed. */
export class NoSchemathesisError extends Error {
  override readonly name = 'NoSchemathesisError';
}

/**
 * Installs schemathesis, as pinned with its hashes, into a folder of its own, once.
 * @returns the path of its program
 * @throws NoSchemathesisError
 */
export function ensureSchemathesis(): string {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = join(stateFolder(process.env), `schemathesis-${hash}`);
  const program = join(folder, 'bin', 'st');
  const done = join(folder, 'complete');
  if (existsSync(done)) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run(findPython(), ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  run(join(folder, 'bin', 'python'), [...pip, '--require-hashes', '-r', REQUIREMENTS]);
  writeFileSync(done, '');
  return program;
}

function findPython(): string {
  const found = CANDIDATES.find((name) => {
    const version = ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])'];
    const { status, stdout } = spawnSync(name, version, { encoding: 'utf8' });
    if (status !== 0) return false;
    const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number);
    return major === 3 && minor >= MIN_MINOR;
  });
  if (found !== undefined) return found;
  throw new NoSchemathesisError(`there is no Python 3.${MIN_MINOR} or later on the PATH`);
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no reason given';
  throw new NoSchemathesisError(`${command} ${args.slice(0, 3).join(' ')} failed: ${reason}`);
}
