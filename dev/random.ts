import { crc32 } from 'node:zlib';

/** Numbers that look random and are the same each time. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number within bounds, both included. */
  integer(min: number, max: number): number;
}

/** Mulberry32, seeded by the CRC-32 of a text. */
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
