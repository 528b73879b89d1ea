import { SingleBar } from 'cli-progress';

export interface Progress {
  readonly update: (done: number) => void;
  readonly stop: () => void;
}

/** A bar on standard error. */
export function startProgress(what: string, total: number, stream = process.stderr): Progress {
  const bar = new SingleBar({
    stream,
    format: `${what} {bar} {value}/{total}`,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 32,
    hideCursor: true,
    clearOnComplete: true,
    // Without a terminal: a line now and then.
    noTTYOutput: true,
    notTTYSchedule: 2_000,
  });
  bar.start(total, 0);
  return {
    update: (done) => bar.update(done),
    stop: () => bar.stop(),
  };
}
