import { parser } from '@prometheus-io/lezer-promql';

/**
 * The metrics that a PromQL expression reads, by Prometheus' own grammar.
 * @throws Error where it doesn't parse
 */
export function metricsOf(expression: string): readonly string[] {
  const found = new Set<string>();
  parser.parse(expression).iterate({
    enter({ type, name, from, to }) {
      if (type.isError) throw new Error(`not PromQL, at ${from}: ${expression}`);
      if (name === 'VectorSelector') {
        found.add(/^\w+/.exec(expression.slice(from, to))?.[0] ?? '(none)');
      }
    },
  });
  return [...found];
}

/** The labels that an expression selects or groups by. */
export function labelsOf(expression: string): readonly string[] {
  const found = new Set<string>();
  parser.parse(expression).iterate({
    enter({ name, from, to }) {
      if (name === 'LabelName') found.add(expression.slice(from, to));
    },
  });
  return [...found];
}

/** The name under which docs/metrics.md has a histogram of which PromQL reads a part. */
export function listedName(metric: string): string {
  return metric.replace(/_(?:bucket|count|sum)$/, '');
}
