import { HttpProblem } from './problems.ts';

/** Bytes that a stream may be unpacked to, and be answered with, whatever its size. */
const FREE_BYTES = 1024 * 1024;
/** Beyond that, per byte received. Usage compresses 5 to 50 times; gzip can reach 1,000. */
const MAX_RATIO = 100;
/** Lines that a stream may have, whatever its size, blank ones included. */
const FREE_LINES = 10_000;
/** Beyond that, per line, unpacked. An event takes 150 or more. */
const MIN_LINE_BYTES = 32;

/**
 * What a stream may come to, in proportion to what its sender spends on it: a few bytes must not make
 * us unpack, split and answer millions of lines. A stream of usage can be as long as it likes.
 * Each throws HttpProblem `too-large`.
 */
export interface StreamBounds {
  /**
   * A chunk came in.
   * @param received bytes on the wire since the beginning of the body
   * @param unpacked bytes of this chunk
   */
  read(received: number, unpacked: number): void;
  /** Lines were split off. */
  split(lines: number): void;
  /** Bytes were sent back. */
  answered(bytes: number): void;
}

export function createStreamBounds(): StreamBounds {
  const total = { received: 0, unpacked: 0, lines: 0, answered: 0 };
  const mostBytes = () => FREE_BYTES + MAX_RATIO * total.received;
  return {
    read(received, unpacked) {
      total.received = received;
      total.unpacked += unpacked;
      if (total.unpacked > mostBytes()) {
        throw tooLarge(`a stream is unpacked to 1 MiB and ${MAX_RATIO} times its size at most`);
      }
    },
    split(lines) {
      total.lines += lines;
      if (total.lines > FREE_LINES + total.unpacked / MIN_LINE_BYTES) {
        throw tooLarge(
          `a stream has ${FREE_LINES} lines and one for each ${MIN_LINE_BYTES} bytes at most, ` +
            'blank ones included',
        );
      }
    },
    answered(bytes) {
      total.answered += bytes;
      if (total.answered > mostBytes()) {
        throw tooLarge(
          `a stream is answered with 1 MiB and ${MAX_RATIO} times its size at most: ` +
            'correct what was rejected first',
        );
      }
    },
  };
}

function tooLarge(detail: string): HttpProblem {
  return new HttpProblem('too-large', detail);
}
