import { HttpProblem } from './problems.ts';

/** Decompressed bytes, and response bytes, that any stream may have. */
const FREE_BYTES = 1024 * 1024;
/** Beyond that, per byte received. Usage compresses by a factor of 5 to 50; gzip can reach 1,000. */
const MAX_RATIO = 100;
/** Lines, including blank ones, that any stream may have. */
const FREE_LINES = 10_000;
/** Beyond that, decompressed bytes per line. An event has 150 or more. */
const MIN_LINE_BYTES = 32;

/**
 * Limits a stream in proportion to the bytes that its sender spent: a few bytes must not make us decompress,
 * split and answer millions of lines. The length of a normal usage stream is not limited.
 * Each method throws HttpProblem `too-large`.
 */
export interface StreamBounds {
  /**
   * Counts a chunk.
   * @param received bytes on the wire since the start of the body
   * @param unpacked decompressed bytes of this chunk
   */
  read(received: number, unpacked: number): void;
  /** Counts lines. */
  split(lines: number): void;
  /** Counts response bytes. */
  answered(bytes: number): void;
}

/** @param maxBytes limit for the decompressed body; null: none */
export function createStreamBounds(maxBytes: number | null = null): StreamBounds {
  const total = { received: 0, unpacked: 0, lines: 0, answered: 0 };
  const mostBytes = () => FREE_BYTES + MAX_RATIO * total.received;
  return {
    read(received, unpacked) {
      total.received = received;
      total.unpacked += unpacked;
      if (maxBytes !== null && total.unpacked > maxBytes) {
        throw tooLarge(
          `the body is larger than ${maxBytes / FREE_BYTES} MiB; events that arrived whole were stored: ` +
            'send smaller batches',
        );
      }
      if (total.unpacked > mostBytes()) {
        throw tooLarge(`a stream can decompress to at most 1 MiB plus ${MAX_RATIO} times its size`);
      }
    },
    split(lines) {
      total.lines += lines;
      if (total.lines > FREE_LINES + total.unpacked / MIN_LINE_BYTES) {
        throw tooLarge(
          `a stream can have at most ${FREE_LINES} lines plus one for each ${MIN_LINE_BYTES} bytes, ` +
            'including blank lines',
        );
      }
    },
    answered(bytes) {
      total.answered += bytes;
      if (total.answered > mostBytes()) {
        throw tooLarge(
          `the response to a stream can have at most 1 MiB plus ${MAX_RATIO} times its size: ` +
            'correct the rejected lines first',
        );
      }
    },
  };
}

function tooLarge(detail: string): HttpProblem {
  return new HttpProblem('too-large', detail);
}
