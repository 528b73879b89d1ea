/** What is to be known of a metric besides its value. */
export interface MetricShape {
  readonly type: string;
  readonly labels: string;
}

/** The metrics of a text in the Prometheus format, by the names that PromQL knows them by. */
export function exportedMetrics(text: string): Map<string, MetricShape> {
  const found = new Map<string, MetricShape>();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const series = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? \\S+$`, 'm').exec(text);
    const labels = [...(series?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label);
    found.set(name, { type, labels: labels.join(', ') });
  }
  return sorted(found);
}

/** The metrics that docs/metrics.md lists as a process's: `| name | type | labels | meaning |`. */
export function documentedMetrics(document: string, process: string): Map<string, MetricShape> {
  const found = new Map<string, MetricShape>();
  let isIn = false;
  for (const line of document.split('\n')) {
    if (line.startsWith('#')) isIn = line === '## Both' || line === `## ${process}`;
    const [, name, type = '', labels = ''] = isIn
      ? (/^\| `(\w+)` *\| (\w+) *\| ([^|]*?) *\|/.exec(line) ?? [])
      : [];
    if (name !== undefined) found.set(name, { type, labels: labels.replaceAll('`', '') });
  }
  return sorted(found);
}

function sorted(metrics: Map<string, MetricShape>): Map<string, MetricShape> {
  return new Map([...metrics].sort(([a], [b]) => (a < b ? -1 : 1)));
}
