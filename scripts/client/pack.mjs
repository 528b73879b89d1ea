/**
 * `npm run client:pack`: packs the typed client for other projects as a tarball in `.local/client`.
 * The last line of output is the tarball's path.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../lib/cache.mjs';

const NAME = 'arcadia-invoicing-client';
const FOLDER = join(PROJECT, '.local', 'client');

function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed:\n${stdout}${stderr}`);
  return stdout;
}

function manifest() {
  const { version, license, dependencies } = JSON.parse(
    readFileSync(join(PROJECT, 'package.json'), 'utf8'),
  );
  return {
    name: NAME,
    version,
    license,
    description: 'Typed client of the arcadia-invoicing API.',
    type: 'module',
    engines: { node: '>=20' },
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist', 'README.md'],
    dependencies: { 'openapi-fetch': dependencies['openapi-fetch'] },
  };
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const compiler = join(PROJECT, 'node_modules', 'typescript', 'bin', 'tsc');
run(process.execPath, [compiler, '-p', join('scripts', 'client', 'tsconfig.json')], PROJECT);
writeFileSync(join(FOLDER, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
copyFileSync(join(PROJECT, 'docs', 'integrating.md'), join(FOLDER, 'README.md'));
const [{ filename }] = JSON.parse(run('npm', ['pack', '--json'], FOLDER));
console.log(join(FOLDER, filename));
