import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { Bench } from './bench.ts';
import { renderChart } from './render-chart.ts';
import { renderFiguresAsMarkdown } from './render-figures.ts';
import type { BenchResult } from './results.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const BEGIN = '<!-- bench: written by npm run bench -- --write-docs -->';
const END = '<!-- bench: end -->';

/**
 * Writes tables and charts into docs/performance.md, between its markers, in the order of the benches. A bench without a
 * result keeps the table that it has there.
 */
export async function writeDocs(
  results: readonly BenchResult[],
  order: readonly Bench[],
  document = DOCUMENT,
): Promise<void> {
  const charts = results.flatMap((result) => result.charts ?? []);
  for (const chart of charts) {
    const path = join(dirname(document), 'charts', `${chart.name}.svg`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, renderChart(chart));
  }
  const text = readFileSync(document, 'utf8');
  const sections = new Map([
    ...readSections(text),
    ...results.map((result) => [result.bench, renderResult(result)] as const),
  ]);
  const ordered = order.flatMap(({ name }) => sections.get(name) ?? []);
  const written = replaceBetweenMarks(text, ordered.join('\n\n'));
  const config = await resolveConfig(document);
  writeFileSync(document, await format(written, { ...config, parser: 'markdown' }));
}

/** Returns what the document says about each bench, by its name. */
function readSections(text: string): readonly (readonly [string, string])[] {
  const [begin, end] = findMarks(text);
  const sections = text.slice(begin, end).split(/^(?=### )/m);
  return sections.flatMap((section) => {
    const [, bench] = /^`npm run bench -- (\S+)`/m.exec(section) ?? [];
    return bench === undefined ? [] : [[bench, section.trim()] as const];
  });
}

/** @throws Error if the document has no markers */
export function replaceBetweenMarks(text: string, content: string): string {
  const [begin, end] = findMarks(text);
  return `${text.slice(0, begin)}\n\n${content}\n\n${text.slice(end)}`;
}

function findMarks(text: string): readonly [number, number] {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`there are no marks "${BEGIN}" and "${END}"`);
  return [begin + BEGIN.length, end];
}

/** Renders a bench with its command, table and charts. */
function renderResult(result: BenchResult): string {
  return [
    `### ${result.title}`,
    describe(result),
    renderFiguresAsMarkdown(result.figures),
    ...(result.charts ?? []).map(({ title, name }) => `![${title}](charts/${name}.svg)`),
  ].join('\n\n');
}

function describe({ bench, sizes, seed, finishedAt, machine, seconds }: BenchResult): string {
  const flags = Object.entries(sizes).map(([name, size]) => `${name} ${size}`);
  return (
    `\`npm run bench -- ${bench}\` (${[...flags, `seed ${seed}`].join(', ')}), ` +
    `${finishedAt.slice(0, 10)}, ${seconds} s on ${machine}.`
  );
}
