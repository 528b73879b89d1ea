import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { FINDING_CODES } from '../../src/audit/watchdog-finding.ts';
import { alertRules, dashboard, dashboardQueries, readText } from '../_util/observability-files.ts';
import { listedName, metricsOf } from '../_util/promql.ts';

interface UnitTest {
  readonly name: string;
  readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: unknown[] }[];
}
const RULES = alertRules();
const UNIT_TESTS = (
  parse(readText('deploy/observability/alerts.test.yml')) as { tests: readonly UnitTest[] }
).tests;
const DASHBOARD = dashboard();
const RUNBOOKS = readText('docs/runbooks.md');

/** Prometheus's own metrics, and those that the backup job of docs/runbooks.md writes. */
const NOT_OURS = ['up', 'arcadia_backup_last_success_timestamp_seconds'];
/** Other tests check that docs/metrics.md lists what is exported. */
const LISTED = [...readText('docs/metrics.md').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
const isListed = (metric: string) => LISTED.includes(metric) || LISTED.includes(listedName(metric));

test('the PromQL parser separates names from labels and rejects invalid PromQL', () => {
  expect(metricsOf('sum by (le) (rate(a_bucket{b="c"}[5m])) / on (d) e')).toEqual([
    'a_bucket',
    'e',
  ]);
  expect(() => metricsOf('sum(rate(a[5m])')).toThrow('not PromQL');
});

test('the dashboard only uses documented metrics', () => {
  const queries = dashboardQueries();
  expect(queries.length).toBeGreaterThan(30);
  for (const expr of queries) {
    for (const metric of metricsOf(expr)) expect(isListed(metric), `${metric}: ${expr}`).toBe(true);
  }
  expect(DASHBOARD.uid).toBe('arcadia-invoicing');
  expect(DASHBOARD.panels.flatMap(({ type, title }) => (type === 'row' ? title : []))).toEqual([
    'Month end',
    'Ingestion',
    'API',
    'Workers and the Temporal SDK',
    'Database and processes',
    'Webhooks',
  ]);
});

test.each(RULES.map((rule) => [rule.alert, rule] as const))('%s', (name, rule) => {
  for (const metric of metricsOf(rule.expr)) {
    expect(isListed(metric) || NOT_OURS.includes(metric), metric).toBe(true);
  }
  expect(rule.for).toMatch(/^\d+[mh]$/);
  expect(rule.labels.severity).toMatch(/^(critical|warning)$/);
  expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook']);
  expect(rule.annotations.runbook).toBe(`docs/runbooks.md#${name.toLowerCase()}`);
  const [, section = ''] = RUNBOOKS.split(`\n### ${name}\n`);
  expect(section.split('\n#')[0]?.trim(), 'its runbook').toMatch(/\w{3}/);
  const outcomes = UNIT_TESTS.flatMap(({ promql_expr_test }) => promql_expr_test)
    .filter(({ expr }) => expr.includes(`alertname="${name}"`))
    .map(({ exp_samples }) => (exp_samples.length > 0 ? 'fires' : 'quiet'));
  expect(outcomes).toEqual(expect.arrayContaining(['fires', 'quiet']));
});

test('every watchdog finding has an alert', () => {
  const codes = RULES.flatMap(
    ({ expr }) => /watchdog_finding\{code=~?"([^"]+)"/.exec(expr)?.[1] ?? [],
  );
  const found = new Set(codes.flatMap((code) => code.split('|')));
  expect([...found].sort()).toEqual([...FINDING_CODES].sort());
});

test('every runbook belongs to an alert', () => {
  const sections = [...RUNBOOKS.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual(RULES.map(({ alert }) => alert).sort());
});
