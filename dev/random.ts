import { crc32 } from 'node:zlib';

/** A deterministic pseudorandom number generator. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded). */
  next(): number;
  /** A whole number within bounds, both included. */
  integer(min: number, max: number): number;
}

/** Mulberry32, seeded with the CRC-32 of a text. */
export function seededRandom(seed: string): Random {
  let state = crc32(seed);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, integer: (min, max) => min + Math.floor(next() * (max - min + 1)) };
}
