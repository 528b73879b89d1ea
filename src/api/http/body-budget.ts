import { HttpProblem } from './problems.ts';

/** Memory for bodies: from before they are read until their requests are answered. */
export interface BodyBudget {
  /**
   * @returns what gives the bytes back, once
   * @throws HttpProblem `overloaded`
   */
  take(bytes: number): () => void;
}

/**
 * Without it many large bodies at once would be read and parsed before the queue could refuse them.
 * A body larger than the whole is taken when it is alone, so that a small budget stops nobody.
 */
export function createBodyBudget(maxBytes: number): BodyBudget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken > 0 && taken + bytes > maxBytes) {
        throw new HttpProblem('overloaded', 'too many bodies at once; send it again', {
          headers: { 'Retry-After': '1' },
        });
      }
      taken += bytes;
      let isHeld = true;
      return () => {
        if (isHeld) taken -= bytes;
        isHeld = false;
      };
    },
  };
}
