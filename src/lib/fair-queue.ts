import { OverloadedError } from './group-commit.ts';

/** Limits concurrent work of many owners, so that no owner gets a larger share at the cost of others. */
export interface FairQueue {
  /**
   * Waits for a turn. Turns alternate between owners, so one owner's queue delays another's work by
   * at most one piece.
   * @returns a function that ends the turn; call it once the work has finished or failed. Further calls do nothing
   * @throws OverloadedError if this owner has too many waiting
   */
  enter(owner: string): Promise<() => void>;
  /** Waits for a turn and runs the work in it. */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>;
}

export interface FairQueueOptions {
  /** Maximum number of concurrent turns. */
  readonly maxConcurrent: number;
  /** Maximum number of concurrent turns per owner. */
  readonly maxConcurrentPerOwner: number;
  /** Maximum number of waiting requests per owner, in addition to those that have a turn. */
  readonly maxWaitingPerOwner: number;
}

interface Share {
  running: number;
  readonly waiting: (() => void)[];
}

export function createFairQueue(options: FairQueueOptions): FairQueue {
  /** Owners with running or waiting work; the first has waited longest for a turn. */
  const shares = new Map<string, Share>();
  let running = 0;

  function startNext(): void {
    for (const [owner, share] of shares) {
      if (running >= options.maxConcurrent) return;
      if (share.running >= options.maxConcurrentPerOwner) continue;
      const start = share.waiting.shift();
      if (start === undefined) continue;
      share.running += 1;
      running += 1;
      // Move to the end of the order; if more of its work waits, this loop returns to it.
      shares.delete(owner);
      shares.set(owner, share);
      start();
    }
  }

  function leave(owner: string, share: Share): void {
    share.running -= 1;
    running -= 1;
    // Behind the owners that arrived during this turn.
    shares.delete(owner);
    if (share.running > 0 || share.waiting.length > 0) shares.set(owner, share);
    startNext();
  }

  async function enter(owner: string): Promise<() => void> {
    const share = shares.get(owner) ?? { running: 0, waiting: [] };
    if (share.waiting.length >= options.maxWaitingPerOwner) {
      throw new OverloadedError(`${share.waiting.length} wait already`);
    }
    shares.set(owner, share);
    const turn = Promise.withResolvers<null>();
    share.waiting.push(() => {
      turn.resolve(null);
    });
    startNext();
    await turn.promise;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      leave(owner, share);
    };
  }

  return {
    enter,
    async run(owner, work) {
      const leaveTurn = await enter(owner);
      try {
        return await work();
      } finally {
        leaveTurn();
      }
    },
  };
}
