import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Bench, Chart } from '../../bench/lib/bench.ts';
import { renderChart } from '../../bench/lib/render-chart.ts';
import { keepResult, readResults, type BenchResult } from '../../bench/lib/results.ts';
import { replaceBetweenMarks, writeDocs } from '../../bench/lib/write-docs.ts';

const chart: Chart = {
  name: 'growth-time',
  title: 'Time per tenant',
  xLabel: 'tenants',
  yLabel: 'ms',
  series: [
    {
      name: 'month end',
      points: [
        { x: 500, y: 27.5 },
        { x: 10_000, y: 28.25 },
      ],
    },
  ],
};

function resultOf(bench: string, seconds: number): BenchResult {
  return {
    bench,
    title: `The ${bench}`,
    figures: [{ name: 'a figure', measured: { value: 7, unit: 's' } }],
    charts: [chart],
    sizes: { tenants: 10 },
    seed: 1,
    finishedAt: '2026-05-31T12:00:00.000Z',
    machine: '2 cores',
    seconds,
  };
}

function benchCalled(name: string): Bench {
  return { name, title: name, sizes: {}, run: () => Promise.resolve({ figures: [] }) };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'arcadia-bench-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('what is left of a run', () => {
  test('a result takes the place of the one that its bench had', () => {
    const file = join(temporaryFolder(), 'bench', 'results.json');
    expect(readResults(file)).toEqual([]);
    keepResult(file, resultOf('growth', 1));
    keepResult(file, resultOf('month-end', 2));
    keepResult(file, resultOf('growth', 3));
    expect(readResults(file).map(({ bench, seconds }) => [bench, seconds])).toEqual([
      ['month-end', 2],
      ['growth', 3],
    ]);
  });

  test('the document gets tables and charts between its marks, and nothing else changes', async () => {
    const folder = temporaryFolder();
    const document = join(folder, 'performance.md');
    const marks = (content: string) =>
      `# Before\n\n<!-- bench: written by npm run bench -- --write-docs -->\n\n${content}\n\n<!-- bench: end -->\n\nAfter\n`;
    writeFileSync(document, marks('what was there'));
    const order = ['month-end', 'growth', 'not measured'].map(benchCalled);
    await writeDocs([resultOf('growth', 1), resultOf('month-end', 2)], order, document);
    const text = readFileSync(document, 'utf8');
    expect(text).not.toContain('what was there');
    expect(text).toContain('# Before');
    expect(text).toContain('After');
    expect(text).toContain('![Time per tenant](charts/growth-time.svg)');
    expect(text).toContain(
      '`npm run bench -- growth` (tenants 10, seed 1), 2026-05-31, 1 s on 2 cores.',
    );
    expect(text.indexOf('The month-end')).toBeLessThan(text.indexOf('The growth'));
    expect(readFileSync(join(folder, 'charts', 'growth-time.svg'), 'utf8')).toBe(
      renderChart(chart),
    );
    // Again, it is the same, also if only one of them was measured.
    await writeDocs([resultOf('growth', 1), resultOf('month-end', 2)], order, document);
    expect(readFileSync(document, 'utf8')).toBe(text);
    await writeDocs([resultOf('growth', 9)], order, document);
    expect(readFileSync(document, 'utf8')).toBe(text.replace('1 s on', '9 s on'));
    // What is no bench any more goes.
    await writeDocs([], [benchCalled('growth')], document);
    const rest = readFileSync(document, 'utf8');
    expect(rest).toContain('The growth');
    expect(rest).not.toContain('The month-end');
  });

  test('a document without marks is refused', () => {
    expect(() => replaceBetweenMarks('# No marks', 'x')).toThrow('there are no marks');
  });
});

describe('a chart', () => {
  test('is SVG, with its title and a symbol for each point', () => {
    const svg = renderChart(chart);
    expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(svg).toContain('Time per tenant');
    expect(svg).not.toContain('NaN');
  });

  test('is the same for the same points, whatever was drawn before', () => {
    const first = renderChart(chart);
    renderChart({ ...chart, title: 'Another' });
    expect(renderChart(chart)).toBe(first);
  });

  test('is another one for other points', () => {
    const [series] = chart.series;
    const moved = { name: series!.name, points: [{ x: 500, y: 30 }, series!.points[1]!] };
    expect(renderChart({ ...chart, series: [moved] })).not.toBe(renderChart(chart));
  });
});
