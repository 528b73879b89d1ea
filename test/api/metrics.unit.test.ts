import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FINDING_CODES } from '../../src/audit/watchdog-finding.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { createWorkerMetrics } from '../../src/observability/metrics/worker-metrics.ts';
import { documentedMetrics, exportedMetrics } from '../_util/metric-names.ts';

const DOCUMENT = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const POOL = { acquiredConnections: 1, idleConnections: 2, waitingClients: 0 };

/** Everything that an API process can export. */
async function apiText(): Promise<string> {
  const metrics = createMetrics();
  metrics.httpRequest({ method: 'GET', route: '/healthz', status: 200 }, 0.1);
  metrics.usageEvents('llm', 'accepted', 2);
  metrics.litellmEvents('accepted', 2);
  metrics.usageCommit('llm', 0.1);
  metrics.controlTotals('recorded', 3);
  metrics.usageOverload('llm');
  metrics.watchIngestionQueue(() => 3, 20_000);
  metrics.watchDatabasePool(10, () => POOL);
  metrics.watchWebhooks(() =>
    Promise.resolve({
      endpoints: [
        {
          endpointId: 'a',
          pending: 1,
          oldestPendingSeconds: 2,
          overdueSeconds: 1,
          dead: 3,
          deliveredAttempts: 4,
          failedAttempts: 5,
        },
      ],
      goneEndpoints: 1,
    }),
  );
  metrics.watchQuarantine(() =>
    Promise.resolve([{ heldFor: 'unknown_tenant', events: 3, oldestSeconds: 60 }]),
  );
  metrics.watchMonthEnd(() => ({
    lastCheckSeconds: 1,
    findings: FINDING_CODES.map((code) => ({ code, value: 0 })),
    keyExpirySeconds: 2,
    temporal: { workers: 1, scheduleLastSeconds: 3, scheduleNextSeconds: 4 },
    monthEnd: {
      openRequests: 1,
      oldestOpenRequestSeconds: 5,
      outOfBalanceMonths: 0,
      month: '2026-05',
      monthEndSeconds: 6,
      dueTenants: 9,
      tenantsWithoutOutcome: 0,
      outcomes: { rolled: 8, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 1 },
      parkedReasons: [{ reasonType: 'out_of_bounds', tenants: 1 }],
    },
  }));
  return metrics.render();
}

async function workerText(): Promise<string> {
  const metrics = createWorkerMetrics();
  metrics.tenantOutcomes('rolled', 3);
  metrics.watchDatabasePool(20, () => POOL);
  return metrics.render();
}

test.each([
  ['API', apiText],
  ['Worker', workerText],
])('docs/metrics.md lists the exported metric %s with its labels', async (process, render) => {
  expect(documentedMetrics(DOCUMENT, process)).toEqual(exportedMetrics(await render()));
});

test('names include their unit, and counters end in _total', async () => {
  const names = [...exportedMetrics((await apiText()) + (await workerText())).entries()];
  for (const [name, { type }] of names) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (name.includes('duration')) expect(name).toMatch(/_seconds$/);
  }
  // A tenant id or a path would create one series each.
  for (const [, { labels }] of names) expect(labels).not.toContain('tenant');
});
