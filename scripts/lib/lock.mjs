import { mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onInterrupt } from './run-command.mjs';

const TOUCH_EVERY_MS = 2_000;
/** A lock untouched for this long belongs to a process that was killed. */
const STALE_AFTER_MS = 15_000;

function tryToTake(folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

function isStale(folder) {
  try {
    return Date.now() - statSync(folder).mtimeMs > STALE_AFTER_MS;
  } catch {
    return false; // just released: acquire it instead of removing it
  }
}

function touchFolder(folder) {
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // considered stale and removed while this machine slept; results are renamed into place, so nothing breaks
  }
}

/**
 * Runs `work` while no other process has the lock. A lock is a folder (making one is atomic
 * everywhere) whose time is kept fresh by its owner.
 */
export async function withLock(folder, onWait, work) {
  mkdirSync(dirname(folder), { recursive: true });
  for (let waited = false; !tryToTake(folder); waited = true) {
    if (!waited) onWait();
    if (isStale(folder)) rmSync(folder, { recursive: true, force: true });
    else await sleep(250);
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  const touch = setInterval(() => touchFolder(folder), TOUCH_EVERY_MS);
  const forget = onInterrupt(release);
  try {
    return await work();
  } finally {
    forget();
    clearInterval(touch);
    release();
  }
}
