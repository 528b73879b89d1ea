import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BenchReport } from './bench.ts';

/** What a bench has measured, when and on what. */
export interface BenchResult extends BenchReport {
  readonly bench: string;
  readonly title: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly seed: number;
  /** UTC instant. */
  readonly finishedAt: string;
  readonly machine: string;
  /** How long all of it took. */
  readonly seconds: number;
}

/** Results as they were written; none where there is no file yet. */
export function readResults(path: string): readonly BenchResult[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as readonly BenchResult[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Writes a result in place of the one that its bench had; the others stay. */
export function keepResult(path: string, result: BenchResult): void {
  const others = readResults(path).filter(({ bench }) => bench !== result.bench);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify([...others, result], null, 2)}\n`);
}
