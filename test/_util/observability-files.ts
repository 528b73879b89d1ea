import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A file of the repository, by its path. */
export function readText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** An alert rule as Prometheus has it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: Readonly<Record<string, string>>;
}

/** A dashboard as Grafana has it, as far as it is looked at. */
export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

export function alertRules(): readonly AlertRule[] {
  const { groups } = parse(readText('deploy/observability/alerts.yml')) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

export function dashboard(): Dashboard {
  return JSON.parse(readText('deploy/observability/dashboard.json')) as Dashboard;
}

/** The PromQL of all alerts. */
export function alertQueries(): readonly string[] {
  return alertRules().map(({ expr }) => expr);
}

/** The PromQL of the dashboard. */
export function dashboardQueries(): readonly string[] {
  return dashboard().panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}
