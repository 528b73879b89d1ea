import { OverloadedError } from './group-commit.ts';

/** Bounds work that is asked for by many, so that nobody's share of it can grow at the others' cost. */
export interface FairQueue {
  /**
   * Waits for a turn. Those who wait take turns by owner, so that one owner's queue delays another's
   * work by one piece at most.
   * @returns ends the turn; to be called once the work is done or has failed, further calls do nothing
   * @throws OverloadedError where this owner has too many waiting
   */
  enter(owner: string): Promise<() => void>;
  /** Runs the work in a turn. */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>;
}

export interface FairQueueOptions {
  /** Turns at once. */
  readonly maxConcurrent: number;
  /** Turns of one owner at once. */
  readonly maxConcurrentPerOwner: number;
  /** Of one owner, beyond those that have their turn. */
  readonly maxWaitingPerOwner: number;
}

interface Share {
  running: number;
  readonly waiting: (() => void)[];
}

export function createFairQueue(options: FairQueueOptions): FairQueue {
  /** Owners with something running or waiting; the first one in order has waited longest for a turn. */
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
      // To the end of the order; where more of it waits, this loop comes to it again.
      shares.delete(owner);
      shares.set(owner, share);
      start();
    }
  }

  function leave(owner: string, share: Share): void {
    share.running -= 1;
    running -= 1;
    // Behind those who came while this turn lasted.
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
