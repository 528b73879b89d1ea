import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { describeMachine } from '../_util/machine.ts';
import type { RunResult } from './run-schemathesis.ts';
import { CALLERS } from './world.ts';

const BEGIN = '<!-- schemathesis: written by npm run test:contract -- --write-docs -->';
const END = '<!-- schemathesis: end -->';

/** Operations, cases and failures by key, as a Markdown table. */
export function renderTable(results: readonly RunResult[]): string {
  const rows = CALLERS.flatMap((caller) => {
    const own = results.filter((result) => result.caller === caller);
    if (own.length === 0) return [];
    const tested = (isAllowed: boolean) =>
      sum(own.filter((result) => result.isAllowed === isAllowed).map((result) => result.tested));
    const name = caller === 'none' ? 'no key' : caller;
    const counts = [tested(true), tested(false), sum(own.map((result) => result.cases))];
    return [[name, ...counts, sum(own.map((result) => result.failures))].join(' | ')];
  });
  return [
    '| key | operations tried in every way | must refuse it | cases | failures |',
    '| --- | --: | --: | --: | --: |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** The summary of a run, by its options. */
export function renderSummary(
  results: readonly RunResult[],
  options: { readonly seed: number; readonly maxExamples: number },
): string {
  const cases = sum(results.map((result) => result.cases));
  const failures = sum(results.map((result) => result.failures));
  return [
    `${new Date().toISOString().slice(0, '2026-11-24'.length)} (${describeMachine()}), seed ${options.seed}, up to ${options.maxExamples} generated examples an operation and phase, ` +
      `all checks: **${cases} requests, ${failures} failures**.`,
    renderTable(results),
  ].join('\n\n');
}

/** Puts the summary between its marks in a Markdown file. */
export async function writeSummary(path: string, summary: string): Promise<void> {
  const text = readFileSync(path, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end === -1) throw new Error(`${path} has no marks for the summary`);
  const written = `${text.slice(0, begin)}${BEGIN}\n\n${summary}\n\n${text.slice(end)}`;
  const config = await resolveConfig(path);
  writeFileSync(path, await format(written, { ...config, parser: 'markdown' }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
