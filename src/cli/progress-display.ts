import { SingleBar } from 'cli-progress';
import { visible } from '../lib/visible-text.ts';
import { whileInterruptible } from './interruption.ts';
import { note } from './output.ts';
import { renderBar, renderStanding, type Standing } from './render/progress-bar.ts';
import { isTerminal, terminalWidth } from './render/styled-text.ts';

interface ProgressOptions extends Pick<Standing, 'what' | 'unit' | 'total'> {
  /** What was done before. */
  readonly from?: number;
}

export interface Progress {
  /** @param total where it was not known before, or is another one now */
  readonly update: (done: number, total?: number, remark?: string) => void;
  readonly stop: () => void;
  /** How far it is, in a sentence. */
  readonly tell: () => string;
}

/** Without a terminal, a line is said so often. */
const LINE_EVERY_MS = 10_000;

/** How far something is, on standard error: a bar with speed and time left, or a line now and then. */
export function startProgress(
  { from = 0, ...options }: ProgressOptions,
  // The bar draws itself there, with what is made visible below.
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
 * Shows how far the work is while it is done; where it is interrupted, that is the last word.
 * @param afterwards what an interrupted user has to do, in a sentence
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
        // The terminal gets its cursor back.
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
    // An interruption is told in one place.
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
