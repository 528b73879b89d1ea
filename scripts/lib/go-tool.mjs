import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { withHeartbeat } from './announce.mjs';
import { findOnPath, isExecutable } from './cache.mjs';
import { runCommand } from './run-command.mjs';

/** Where Go's own installer puts it, which isn't always on the PATH. */
const USUAL_GO = '/usr/local/go/bin/go';
const HEARTBEAT_MS = 15_000;

/** Runs Go in a folder and returns its output. @throws Error if there is no Go, or it fails */
export async function runGo(folder, args) {
  const go = findOnPath('go') ?? (isExecutable(USUAL_GO) ? USUAL_GO : undefined);
  if (go === undefined) throw new Error('Go is not on the PATH');
  const env = {
    ...process.env,
    HOME: process.env.HOME || homedir(),
    GOBIN: folder,
    GOOS: '', // for this machine: with GOBIN set, `go install` rejects cross-compiled binaries
    GOARCH: '',
    GOFLAGS: '-trimpath -modcacherw',
    GO111MODULE: 'on',
  };
  const { code, output } = await runCommand(go, args, { cwd: folder, env });
  if (code !== 0) throw new Error(`go ${args[0]} failed: ${output.trim().slice(-600)}`);
  return output;
}

/** Builds the commands of Go packages into a folder; takes several minutes without Go's build cache. */
export async function goInstall(folder, packages, { heartbeat, flags = [] }) {
  await withHeartbeat(heartbeat, HEARTBEAT_MS, () =>
    runGo(folder, ['install', ...flags, ...packages]),
  );
}

/** Removes what killed builds of this tool have left behind. */
function removeLeftovers(target) {
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(`${basename(target)}.partial-`)) {
      rmSync(join(dirname(target), name), { recursive: true, force: true });
    }
  }
}

/**
 * Lets `make` write a tool into a new folder, and moves that to `target` in the cache once `complaintAbout` the new
 * folder returns undefined. The caller holds the tool's lock.
 */
export async function makeInCache(target, make, complaintAbout) {
  mkdirSync(dirname(target), { recursive: true });
  removeLeftovers(target);
  const partial = `${target}.partial-${process.pid}`;
  mkdirSync(partial);
  try {
    await make(partial);
    const complaint = await complaintAbout(partial);
    if (complaint !== undefined) throw new Error(`it doesn't run here: ${complaint}`);
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
