/** Takes turns: between two of them the event loop looks at what has come in meanwhile. */
export type TakeTurn = () => Promise<void>;

/**
 * For work that keeps the process busy for milliseconds. Many large bodies that arrive together would be
 * read one after the other, and the database's answers, and everybody's small requests, wait for all of
 * them.
 */
export function createTurns(): TakeTurn {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    return last;
  };
}

/** The turns of everything that this process reads. */
export const takeTurn = createTurns();
