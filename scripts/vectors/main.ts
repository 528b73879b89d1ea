import { readFileSync } from 'node:fs';
import { readCases, UnreadableFile, type VectorCase } from './check-file.ts';

/**
 * `npm run vectors -- FILE…`: checks files of exact cases against the domain's own functions.
 * Exit status: 0 all are exact, 1 some aren't, 2 a file can't be read.
 */
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('Usage: npm run vectors -- FILE…, such as test/vectors/*.json');
  process.exitCode = 2;
}
for (const file of files) {
  const cases = read(file);
  if (cases === null) {
    process.exitCode = 2;
    continue;
  }
  const wrong = cases
    .map(({ id, check }) => ({ id, differences: check() }))
    .filter(({ differences }) => differences.length > 0);
  console.log(`${file}: ${cases.length - wrong.length} of ${cases.length} exact`);
  for (const { id, note } of cases) if (note !== null) console.log(`  ${id}: ${note}`);
  if (wrong.length > 0) process.exitCode ??= 1;
  for (const { id, differences } of wrong) {
    for (const { path, expected, got } of differences) {
      console.log(`  ${id} ${path}: expected ${show(expected)}, got ${show(got)}`);
    }
  }
}

/** Returns null if the file can't be read. */
function read(file: string): readonly VectorCase[] | null {
  try {
    return readCases(readFileSync(file, 'utf8'));
  } catch (error) {
    const isExpected = error instanceof UnreadableFile || (error as { code?: string }).code;
    if (!isExpected) throw error;
    console.error(`${file}: ${(error as Error).message}`);
    return null;
  }
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
