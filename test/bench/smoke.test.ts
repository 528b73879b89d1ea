import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readResults } from '../../bench/lib/results.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
/** Only against a hang. */
const TIMEOUT_MS = 600_000;

/** One of each kind. All of them take 5 minutes or more: `npm run bench -- --smoke`. */
const NAMES = ['month-end', 'large-tenant', 'llm-pull', 'ingestion-singles'];

test(
  'benches run, small: they measure something, and say nothing about speed',
  { timeout: TIMEOUT_MS },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arcadia-bench-smoke-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'results.json');

    const { code, output } = await runBench([...NAMES, '--smoke', '--json', file]);
    expect(code, output).toBe(0);

    const results = readResults(file);
    expect(results.map(({ bench }) => bench)).toEqual(NAMES);
    for (const { figures, charts = [] } of results) {
      expect(figures.length).toBeGreaterThan(0);
      for (const { name, measured, against, ratio } of figures) {
        const numbers = [measured.value, against?.value ?? 1, ratio ?? 1];
        expect(numbers.every(Number.isFinite), `${name}: ${numbers.join(', ')}`).toBe(true);
        expect(output).toContain(name);
      }
      const points = charts.flatMap(({ series }) => series.flatMap(({ points }) => points));
      expect(points.flatMap(({ x, y }) => [x, y]).every(Number.isFinite)).toBe(true);
    }
  },
);

test('an unknown bench is refused before anything starts', async () => {
  const { code, output } = await runBench(['no-such-bench']);
  expect(code).toBe(1);
  expect(output).toContain('there is no bench no-such-bench');
});

function runBench(args: readonly string[]): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 16 * 2 ** 20 };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr });
    });
  });
}
