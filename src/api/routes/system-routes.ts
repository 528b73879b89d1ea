import { z } from 'zod';
import { FINDING_CODES } from '../../audit/watchdog-finding.ts';
import { sql } from '../../db/sql.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const CHECK_TIMEOUT_MS = 2_000;

const check = z.object({ ok: z.boolean(), detail: z.string().optional() });
const monthEnd = z
  .object({
    ok: z.boolean().describe('The watchdog has run and found nothing.'),
    checked_at: z.string().nullable().describe('Null before its first run.'),
    findings: z.array(
      z.object({
        code: z.enum(FINDING_CODES),
        month: z.string().nullable(),
        detail: z.string(),
      }),
    ),
  })
  .describe('Whether months are closed as they should be. Does not affect readiness.');
const readiness = z.object({
  ready: z.boolean(),
  database: check,
  temporal: check,
  month_end: monthEnd,
});
type Check = z.infer<typeof check>;

/** Liveness probe. */
export const getHealth = defineRoute(
  {
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    tag: 'System',
    summary: 'Check that the process is up',
    scopes: null,
    rateLimited: false,
    responses: {
      200: { description: 'The process is up', schema: z.object({ ok: z.literal(true) }) },
    },
  },
  () => Promise.resolve(reply(200, { ok: true } as const)),
);

/** Readiness probe. */
export const getReadiness = defineRoute(
  {
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    tag: 'System',
    summary: 'Check that the database and Temporal are reachable',
    description:
      'Also reports findings of the watchdog, which do not affect readiness. Concurrent probes share one ' +
      'check of the servers.',
    scopes: null,
    rateLimited: false,
    responses: {
      200: { description: 'Both are reachable', schema: readiness },
      503: { description: 'At least one is not reachable', schema: readiness },
    },
  },
  async (_call, deps) => {
    const [database, temporal] = await checkServers(deps);
    const ready = database.ok && temporal.ok;
    return reply(ready ? 200 : 503, { ready, database, temporal, month_end: toMonthEnd(deps) });
  },
);

/** Prometheus metrics. */
export const getMetrics = defineRoute(
  {
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    tag: 'System',
    summary: 'Metrics in the Prometheus text format',
    scopes: null,
    rateLimited: false,
    responses: {
      200: {
        description: 'Requests, usage events and the queue, month end, database pool, process',
        schema: z.string(),
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        example:
          '# TYPE usage_events_total counter\nusage_events_total{source="llm",status="accepted"} 1\n',
      },
    },
  },
  async (_call, { metrics }) => reply(200, await metrics.render()),
);

/** Running checks. */
const checks = new WeakMap<ApiDeps, Promise<readonly [database: Check, temporal: Check]>>();

/** The probe is public and unlimited, so concurrent probes share one check of the servers. */
function checkServers(deps: ApiDeps): Promise<readonly [database: Check, temporal: Check]> {
  const shared = checks.get(deps);
  if (shared !== undefined) return shared;
  const running = Promise.all([checkDatabase(deps), checkTemporal(deps)]).finally(() => {
    checks.delete(deps);
  });
  checks.set(deps, running);
  return running;
}

async function checkDatabase({ db }: ApiDeps): Promise<Check> {
  return attempt(
    () => db.any(sql.typeAlias('nothing')`SELECT FROM month_end_requests LIMIT 0`),
    'not reachable, or not migrated',
  );
}

async function checkTemporal({ monthEnd }: ApiDeps): Promise<Check> {
  if (monthEnd === null) return { ok: false, detail: 'not connected' };
  return attempt(() => monthEnd.check());
}

function toMonthEnd({ watchdog }: ApiDeps): z.input<typeof monthEnd> {
  const report = watchdog?.latest() ?? null;
  if (report === null) return { ok: false, checked_at: null, findings: [] };
  const { checkedAt, findings } = report;
  return {
    ok: findings.length === 0,
    checked_at: checkedAt.toISOString(),
    findings: [...findings],
  };
}

/** The probe is public, so the detail gives the kind of failure without names and addresses. */
async function attempt(work: () => Promise<unknown>, complaint = 'not reachable'): Promise<Check> {
  const timeout = Promise.withResolvers<Check>();
  const timer = setTimeout(() => {
    timeout.resolve({ ok: false, detail: `no answer within ${CHECK_TIMEOUT_MS} ms` });
  }, CHECK_TIMEOUT_MS);
  const answer = work().then(
    (): Check => ({ ok: true }),
    (): Check => ({ ok: false, detail: complaint }),
  );
  try {
    return await Promise.race([answer, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
