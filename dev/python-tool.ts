import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateFolder, writeAtOnce } from '../src/lib/private-files.ts';

const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
/** What the tools ask for. */
const MIN_MINOR = 11;

/** There is no Python to run a tool, or it can't be installed. */
export class NoPythonError extends Error {
  override readonly name = 'NoPythonError';
}

export interface PythonTool {
  readonly name: string;
  /** A requirements file that pins the tool and what it needs. */
  readonly requirements: string;
  /** Its folder is created in this one. */
  readonly parent: string;
  readonly pipOptions?: readonly string[];
}

/**
 * Installs a Python tool from PyPI into a virtual environment of its own, unless it is there.
 * @returns the folder with its programs
 * @throws NoPythonError
 */
export function ensurePythonTool({
  name,
  requirements,
  parent,
  pipOptions = [],
}: PythonTool): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(parent, `${name}-${hash}`);
  const programs = join(folder, 'bin');
  const done = join(folder, 'complete');
  if (existsSync(done)) return programs;
  rmSync(folder, { recursive: true, force: true });
  makePrivateFolder(folder);
  run(findPython(), ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  run(join(programs, 'python'), [...pip, ...pipOptions, '-r', requirements]);
  writeAtOnce(done, '');
  return programs;
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
  throw new NoPythonError(`there is no Python 3.${MIN_MINOR} or later on the PATH`);
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no reason given';
  throw new NoPythonError(`${command} ${args.slice(0, 3).join(' ')} failed: ${reason}`);
}
