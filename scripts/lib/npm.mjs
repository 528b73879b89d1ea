import { basename } from 'node:path';
import { runCommand } from './run-command.mjs';

/**
 * Variables of an outer `npm run` that set its folder or mode. With them an inner npm would install
 * into the wrong folder or omit packages. The rest (registry, proxy, cache, …) stays.
 */
const OUTER_NPM =
  /^npm_(lifecycle|package|command|config_(local_prefix|prefix|global|global_prefix|location|workspaces?|include_workspace_root|dry_run|omit|only|include|production|package_lock(_only)?|lockfile_version|save.*|force|ignore_scripts|if_present|long|json|silent|loglevel|node_version|bin_links|offline|prefer_offline)$)/i;

function innerEnvironment() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !OUTER_NPM.test(name) && name !== 'NODE_ENV' && name !== 'NODE_OPTIONS',
  );
  return Object.fromEntries(kept);
}

/**
 * Runs npm in a folder: the npm that started this process, or the one on the PATH. It runs on the
 * Node it came with, because it finds the machine's npmrc (registry, certificates) relative to
 * that.
 */
export function runNpm(cwd, args) {
  const outer = process.env.npm_execpath;
  const env = innerEnvironment();
  return outer !== undefined && basename(outer) === 'npm-cli.js'
    ? runCommand(process.execPath, [outer, ...args], { cwd, env })
    : runCommand('npm', args, { cwd, env });
}
