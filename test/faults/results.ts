import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeMachine } from '../_util/machine.ts';
import type { SeedResult } from './run-seed.ts';

/** The result of a seed, with time and machine. */
export interface Row extends SeedResult {
  /** UTC instant. */
  readonly finishedAt: string;
  readonly machine: string;
}

/** Stores one row per seed, so that an interrupted run can continue. */
export interface ResultFile {
  rows(): readonly Row[];
  /** Takes the place of the row that the seed had. */
  add(result: SeedResult): void;
}

export function openResultFile(path: string): ResultFile {
  function rows(): readonly Row[] {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as readonly Row[];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
  return {
    rows,
    add(result) {
      const row = { ...result, finishedAt: new Date().toISOString(), machine: describeMachine() };
      const others = rows().filter(({ seed }) => seed !== result.seed);
      const all = [...others, row].toSorted((a, b) => a.seed - b.seed);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
    },
  };
}
