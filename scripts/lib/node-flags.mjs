/**
 * A worker's objects live for a task. With much memory in the machine V8 lets the young generation of
 * each of a worker's two heaps grow to 128 MiB; held to a sixth of it, a worker's peak is some 30 % lower in `npm run bench -- growth`, in
 * the same CPU time. The API, which holds what it reads until it is stored, takes more time so.
 */
export const WORKER_NODE_FLAGS = ['--max-semi-space-size=8'];

/** What Node gets for a program of ours. */
export function nodeFlags(target, args) {
  const isWorker = target === 'src/start.ts' && args[0] === 'worker';
  return ['--disable-warning=ExperimentalWarning', ...(isWorker ? WORKER_NODE_FLAGS : [])];
}
