import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePythonTool } from '../../dev/python-tool.ts';
import { stateFolder } from '../../src/cli/local-env.ts';

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));

/**
 * Installs schemathesis, as pinned with its hashes, into a folder of its own, once.
 * @returns the path of its program
 * @throws NoPythonError
 */
export function ensureSchemathesis(): string {
  const programs = ensurePythonTool({
    name: 'schemathesis',
    requirements: REQUIREMENTS,
    parent: stateFolder(process.env),
    pipOptions: ['--require-hashes'],
  });
  return join(programs, 'st');
}
