import { groupDigits } from '../../domain/format.ts';

/** So many of something: `1 event`, `1,234 events`. For names whose plural takes an `s`. */
export function counted(count: number | string, name: string): string {
  return `${groupDigits(count)} ${String(count) === '1' ? name : `${name}s`}`;
}
