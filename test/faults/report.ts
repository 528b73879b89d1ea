import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { Row } from './results.ts';
import { FAULTS, FAULT_KINDS } from './schedule.ts';
import { INVARIANTS, type Invariant } from './standing-checks.ts';

const BEGIN = '<!-- faults: written by npm run test:faults -- --write-docs -->';
const END = '<!-- faults: end -->';

/** Puts the tables into a Markdown file, between the marks that it has for them. */
export async function writeReport(path: string, rows: readonly Row[]): Promise<void> {
  const text = readFileSync(path, 'utf8');
  const [before, rest] = split(text, BEGIN, path);
  const [, after] = split(rest, END, path);
  const written = `${before}${BEGIN}\n\n${renderReport(rows)}\n\n${END}${after}`;
  const config = await resolveConfig(path);
  writeFileSync(path, await format(written, { ...config, parser: 'markdown' }));
}

function split(text: string, mark: string, path: string): readonly [string, string] {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`${path} has no mark "${mark}"`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

/** Renders the faults and the result of each seed. */
export function renderReport(rows: readonly Row[]): string {
  const tenants = [...new Set(rows.map((row) => row.tenants))].join(' or ');
  const days = [...new Set(rows.map(({ finishedAt }) => finishedAt.slice(0, 10)))];
  const machines = [...new Set(rows.map(({ machine }) => machine))];
  const injected = sum(rows.flatMap(({ faults }) => FAULT_KINDS.map((kind) => faults[kind])));
  const violations = sum(rows.map((row) => row.violations.length));
  return [
    `${rows.length} seeds of ${tenants} tenants on ${days.join(', ')} (${machines.join('; ')}): ` +
      `**${injected} faults, ${count(sum(rows.map(({ events }) => events)))} acknowledged events, ` +
      `${violations === 0 ? 'nothing lost, nothing billed twice' : `${violations} violations`}**.`,
    renderFaults(rows),
    renderOutcomes(rows),
  ].join('\n\n');
}

function renderFaults(rows: readonly Row[]): string {
  return table(
    ['fault, by seed', ...rows.map(({ seed }) => String(seed)), 'all'],
    FAULT_KINDS.map((kind) => {
      const counts = rows.map(({ faults }) => faults[kind]);
      return [FAULTS[kind], ...counts.map(String), String(sum(counts))];
    }),
  );
}

function renderOutcomes(rows: readonly Row[]): string {
  const invariants = Object.keys(INVARIANTS) as readonly Invariant[];
  return table(
    [
      'seed',
      'events',
      'posts (repeated)',
      'requests',
      'payments, credits, items, voids',
      'invoices',
      'superseded',
      'notes',
      'checks',
      'seconds',
      ...invariants,
    ],
    rows.map((row) => [
      String(row.seed),
      count(row.events),
      `${count(row.posts)} (${count(row.retriedPosts)})`,
      String(row.monthEndRequests),
      [row.payments, row.credits, row.items, row.voided].map(count).join(', '),
      count(row.liveInvoices),
      count(row.supersededInvoices),
      count(row.notes),
      String(row.checks),
      String(row.seconds),
      ...invariants.map((invariant) => verdict(row, invariant)),
    ]),
  );
}

/** A run that didn't come to rest, or whose processes ended by themselves, holds nothing. */
function verdict({ violations }: Row, invariant: Invariant): string {
  const isBroken = violations.some((v) => v.invariant === invariant || v.invariant === 'rest');
  return isBroken ? '**broken**' : 'holds';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '--:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function count(number: number): string {
  return number.toLocaleString('en');
}
