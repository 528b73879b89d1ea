import { SingleBar } from 'cli-progress';
import { visible } from '../lib/visible-text.ts';
import { whileInterruptible } from './interruption.ts';
import { note } from './output.ts';
import { renderBar, renderStanding, type Standing } from './render/progress-bar.ts';
import { isTerminal, terminalWidth } from './render/styled-text.ts';

interface ProgressOptions extends Pick<Standing, 'what' | 'unit' | 'total'> {
  /** What had been done before this run. */
  readonly from?: number;
}

export interface Progress {
  /** @param total given if it has become known or has changed */
  readonly update: (done: number, total?: number, remark?: string) => void;
  readonly stop: () => void;
  /** Returns the progress as a sentence. */
  readonly tell: () => string;
}

/** Interval between progress lines when stderr isn't a terminal. */
const LINE_EVERY_MS = 10_000;

/** Shows progress on standard error: a bar with speed and time left, or regular lines if it isn't a terminal. */
export function startProgress(
  { from = 0, ...options }: ProgressOptions,
  // The bar draws on this stream; its text is made visible below.
  // eslint-disable-next-line no-restricted-properties
  stream = process.stderr,
): Progress {
  const startedAt = performance.now();
  let { total } = options;
  let [done, remark]: [number, string | undefined] = [from, undefined];
  const standing = (): Standing => {
    const elapsedMs = performance.now() - startedAt;
    return { ...options, from, done, total, remark, elapsedMs };
  };
  const display = isTerminal(stream) ? showBar(standing, stream) : sayLines(standing);
  return {
    update: (newDone, newTotal, newRemark) => {
      done = newDone;
      total = newTotal ?? total;
      remark = newRemark ?? remark;
      display.show();
    },
    stop: display.stop,
    tell: () => `${renderStanding({ ...standing(), elapsedMs: 0 })}.`,
  };
}

/**
 * Shows progress while the work runs. If it is interrupted, the last progress is printed.
 * @param afterwards sentence that tells an interrupted user how to continue
 */
export async function withProgress<T>(
  options: ProgressOptions,
  work: (update: Progress['update']) => Promise<T>,
  afterwards: string | null = null,
): Promise<T> {
  const progress = startProgress(options);
  try {
    return await whileInterruptible(
      () => {
        // Restores the terminal's cursor.
        progress.stop();
        return [progress.tell(), ...(afterwards === null ? [] : [afterwards])].join(' ');
      },
      () => work(progress.update),
    );
  } finally {
    progress.stop();
  }
}

interface Display {
  readonly show: () => void;
  readonly stop: () => void;
}

function showBar(standing: () => Standing, stream: NodeJS.WriteStream): Display {
  const bar = new SingleBar({
    stream,
    format: () => visible(renderBar(standing(), terminalWidth(stream) ?? 0)),
    hideCursor: true,
    clearOnComplete: true,
    // interruption.ts handles signals.
    gracefulExit: false,
  });
  bar.start(1, 0);
  return { show: () => bar.update(0), stop: () => bar.stop() };
}

function sayLines(standing: () => Standing): Display {
  let saidAt = performance.now();
  return {
    show: () => {
      if (performance.now() - saidAt < LINE_EVERY_MS) return;
      saidAt = performance.now();
      note(renderStanding(standing()));
    },
    stop: () => undefined,
  };
}
