import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export const isInProject = (path: string) => existsSync(join(PROJECT, path));
export const readProjectFile = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

/** The paths of the project's files, including new ones that aren't committed yet. */
export const PROJECT_FILES: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '-z'],
  { cwd: PROJECT, encoding: 'utf8' },
)
  .split('\0')
  .filter((file) => file !== '' && isInProject(file));
