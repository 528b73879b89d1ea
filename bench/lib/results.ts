import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BenchReport } from './bench.ts';

/** A bench's measurements, with time and machine. */
export interface BenchResult extends BenchReport {
  readonly bench: string;
  readonly title: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly seed: number;
  /** UTC instant. */
  readonly finishedAt: string;
  readonly machine: string;
  /** Duration of the whole bench. */
  readonly seconds: number;
}

/** Reads the stored results; empty if there is no file yet. */
export function readResults(path: string): readonly BenchResult[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as readonly BenchResult[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Replaces the stored result of one bench; keeps the others. */
export function keepResult(path: string, result: BenchResult): void {
  const others = readResults(path).filter(({ bench }) => bench !== result.bench);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify([...others, result], null, 2)}\n`);
}
