/**
 * A worker's objects live for one task. On machines with much memory, V8 lets the young generation
 * of each of a worker's two heaps grow to 128 MiB. Limited to a sixth of that, a worker's peak
 * memory is about 30 % lower in `npm run bench -- growth`, in the same CPU time. The API, which
 * keeps what it reads until it is stored, would need more CPU time with this limit.
 */
export const WORKER_NODE_FLAGS = ['--max-semi-space-size=8'];

/** Returns the Node flags for a program of this project. */
export function nodeFlags(target, args) {
  const isWorker = target === 'src/start.ts' && args[0] === 'worker';
  return ['--disable-warning=ExperimentalWarning', ...(isWorker ? WORKER_NODE_FLAGS : [])];
}
