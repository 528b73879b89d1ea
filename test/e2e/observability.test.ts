import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey } from '../../src/db/access/api-keys.ts';
import { SCHEDULED_MONTH_END_ID, TASK_QUEUE } from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { lockTable, untilLockIsWaitedFor } from '../_util/locks.ts';
import { documentedMetrics, exportedMetrics } from '../_util/metric-names.ts';
import { alertQueries, dashboardQueries, readText } from '../_util/observability-files.ts';
import { labelsOf, listedName, metricsOf } from '../_util/promql.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, type World } from '../_util/world.ts';
import { startCollector, type Collector, type ReceivedSpan } from './_collector.ts';
import { startProcess, untilApiStarted, type Started } from './_start.ts';
import { startWorkerProcess, type WorkerProcess } from './_workers.ts';

/** API and worker as separate processes, and a collector that receives their spans. */
/** The steps of a tenant's invoice. */
const STEPS = ['openDrafts', 'quoteSubscriptions', 'pullLlmUsage', 'persistInvoices'];

let world: World;
let collector: Collector;
let worker: WorkerProcess;
let api: Started;
let apiUrl: string;
let key: string;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'globex']) await seedTenant(world.db, tenantId);
  // Has no plan, so it is parked.
  await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);
  await seedUsage(world.db, {
    tenantId: 'acme',
    deploymentId: 'acme-a',
    kind: 'llm_usage',
    amount: '12.5',
  });
  ({ plainKey: key } = await createKey(world.db, { label: 'ops', scope: 'operator' }));
  collector = await startCollector();
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, LOG_LEVEL: 'debug' };
  worker = await startWorkerProcess(world, { ...tracing, WORKER_METRICS_PORT: '0' });
  api = startApi(tracing);
  apiUrl = await untilApiStarted(api);
});
afterAll(async () => {
  await worker.stop();
  api.child.kill('SIGTERM');
  await api.code;
  await collector[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function startApi(env: Readonly<Record<string, string>>): Started {
  return startProcess(['api'], {
    DATABASE_URL: world.apiUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
    API_PORT: '0',
    ...env,
  });
}

/** A caller that traces: its trace, its span, and what it sends. */
function caller() {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

async function askForRun(body: object, traceparent: string, url = apiUrl): Promise<void> {
  const response = await fetch(`${url}/api/v1/roll-ups`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${key}`,
      'Content-Type': 'application/json',
      'X-Request-Id': 'from-the-caller',
      traceparent,
    },
    body: JSON.stringify({ month: MONTH, ...body }),
  });
  expect(response.status).toBe(202);
}

/** Waits for a complete trace: its workflow's part has ended and every span has its parent. */
function wholeTrace(
  { traceId, spanId }: { traceId: string; spanId: string | null },
  workflowSpan: string,
) {
  return until(
    () => Promise.resolve(collector.spans.filter((span) => span.traceId === traceId)),
    (spans) => {
      const ids = new Set([spanId, ...spans.map((span) => span.spanId)]);
      return (
        spans.some(({ name }) => name === workflowSpan) &&
        spans.some(({ name }) => name === 'finishPass') &&
        spans.every(({ parentSpanId }) => ids.has(parentSpanId))
      );
    },
  );
}

const named = (spans: readonly ReceivedSpan[], name: string) =>
  spans.filter((span) => span.name === name);
const childrenOf = (spans: readonly ReceivedSpan[], { spanId }: { spanId: string }) =>
  spans.filter(({ parentSpanId }) => parentSpanId === spanId);

test('a request is one trace, from HTTP to workflow, children, activities and SQL', async () => {
  const from = caller();
  await askForRun({ request_id: 'close' }, from.traceparent);
  await closed(world, MONTH);
  const spans = await wholeTrace(from, 'monthEnd');

  const [http, ...otherHttp] = childrenOf(spans, from);
  expect(otherHttp).toEqual([]);
  expect(http).toMatchObject({
    service: 'arcadia-api',
    name: 'POST /api/v1/roll-ups',
    failed: false,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/api/v1/roll-ups',
      'http.response.status_code': 202,
      'arcadia.request_id': 'from-the-caller',
    },
  });
  const [signal] = named(childrenOf(spans, http!), 'signal monthEnd run');
  const [monthEnd, ...others] = childrenOf(spans, signal!);
  expect(others).toEqual([]);
  expect(monthEnd).toMatchObject({
    service: 'arcadia-worker',
    name: 'monthEnd',
    failed: false,
    attributes: { 'temporal.workflow.id': `month-end-${MONTH}`, 'arcadia.month': MONTH },
  });
  const ofMonth = childrenOf(spans, monthEnd!);
  expect(ofMonth.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['acceptRequest', 'beginPass', 'planPage', 'finishPass']),
  );

  const children = named(ofMonth, 'tenantInvoice');
  expect(
    children.map(({ attributes, failed }) => [attributes['arcadia.tenant_ids'], failed]).sort(),
  ).toEqual([
    [['acme'], false],
    [['globex'], false],
    [['planless'], true],
  ]);
  const steps = children.flatMap((child) => childrenOf(spans, child));
  const stepsOf = (tenantId: string) =>
    children
      .filter(({ attributes }) => String(attributes['arcadia.tenant_ids']) === tenantId)
      .flatMap((child) => childrenOf(spans, child).map(({ name }) => name));
  expect(stepsOf('acme')).toEqual(STEPS);
  expect(stepsOf('globex')).toEqual(STEPS);
  // Its bad data is found during the quote.
  expect(stepsOf('planless')).toEqual(STEPS.slice(0, 2));
  const statements = steps.flatMap((step) => childrenOf(spans, step));
  expect(statements.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'START TRANSACTION',
      expect.stringMatching(/INSERT invoices,/),
      'COMMIT',
    ]),
  );
});

test("a forced rerun of an open month is in its caller's trace", async () => {
  const from = caller();
  const force = { force: true, tenant_ids: ['acme'], reason: 'to be seen', request_id: 'again' };
  await askForRun(force, from.traceparent);
  const spans = await wholeTrace(from, 'monthEnd forceReRun');

  const [monthEnd] = named(spans, 'monthEnd forceReRun');
  const children = named(childrenOf(spans, monthEnd!), 'tenantInvoice');
  expect(children.map(({ attributes }) => attributes['arcadia.tenant_ids']).sort()).toEqual([
    ['acme'],
    // Parked, so every pass retries it.
    ['planless'],
  ]);
  const [acme] = children.filter(
    ({ attributes }) => String(attributes['arcadia.tenant_ids']) === 'acme',
  );
  expect(childrenOf(spans, acme!).map(({ name }) => name)).toEqual(STEPS);
});

test('a scheduled month is one trace that begins with its first step', async () => {
  await world.client.workflow.execute(WORKFLOWS.scheduledMonthEnd, {
    workflowId: SCHEDULED_MONTH_END_ID,
    taskQueue: TASK_QUEUE,
    args: [{}],
  });
  const [first] = await until(
    () => Promise.resolve(named(collector.spans, 'requestScheduledMonth')),
    (spans) => spans.length > 0,
  );
  expect(first).toMatchObject({ service: 'arcadia-worker', parentSpanId: null });
  const spans = await wholeTrace({ ...first!, spanId: null }, 'monthEnd');
  const [signal] = named(childrenOf(spans, first!), 'signal monthEnd run');
  const [monthEnd] = childrenOf(spans, signal!);
  expect(named(childrenOf(spans, monthEnd!), 'tenantInvoice')).toHaveLength(3);
});

test('spans name the tenant but contain no sent data', async () => {
  const { plainKey } = await createKey(world.db, {
    label: 'acme',
    scope: 'tenant',
    tenantId: 'acme',
  });
  const from = caller();
  const response = await fetch(`${apiUrl}/api/v1/invoices`, {
    headers: { Authorization: `Bearer ${plainKey}`, traceparent: from.traceparent },
  });
  expect(response.status).toBe(200);
  const spans = await until(
    () => Promise.resolve(collector.spans.filter(({ traceId }) => traceId === from.traceId)),
    (found) => childrenOf(found, from).length > 0,
  );
  const [http] = childrenOf(spans, from);
  expect(http).toMatchObject({
    name: 'GET /api/v1/invoices',
    attributes: { 'arcadia.tenant_ids': ['acme'] },
  });
  const statements = childrenOf(spans, http!);
  expect(statements.length).toBeGreaterThan(0);

  const all = JSON.stringify(collector.spans);
  for (const secret of [key, plainKey, 'to be seen']) expect(all.includes(secret)).toBe(false);
  const texts = collector.spans.flatMap(({ attributes: { 'db.query.text': text } }) =>
    typeof text === 'string' ? [text] : [],
  );
  expect(texts.length).toBeGreaterThan(50);
  expect(texts.join('\n')).not.toMatch(/acme|globex|12\.5/);
});

test('log lines name the trace', async () => {
  const from = caller();
  await askForRun({ request_id: 'third' }, from.traceparent);
  const line = (output: () => string, part: string) =>
    until(
      () => Promise.resolve(output().split('\n')),
      (lines) => lines.some((text) => text.includes(part) && text.includes(from.traceId)),
    );
  await line(() => api.output, '"msg":"request completed"');
  await line(() => worker.output(), '"activity":"acceptRequest"');
  await wholeTrace(from, 'monthEnd run');
});

/** What Prometheus adds to each metric, and a histogram's own. */
const GIVEN_LABELS = ['instance', 'job', 'le'];

test('a worker exports the SDK metrics that alerts and dashboard use', async () => {
  const [, metricsUrl] = /"url":"(http:[^"]+\/metrics)"/.exec(worker.output()) ?? [];
  const queries = [...alertQueries(), ...dashboardQueries()].filter((query) =>
    metricsOf(query).some((metric) => metric.startsWith('temporal_')),
  );
  expect(queries.length).toBeGreaterThan(10);
  await failInAllWays();
  const wanted = [...new Set(queries.flatMap(metricsOf).map(listedName))];
  const exported = await until(
    async () => exportedMetrics(await (await fetch(metricsUrl!)).text()),
    (metrics) => wanted.every((name) => metrics.has(name)),
  );
  for (const query of queries) {
    const [metric = ''] = metricsOf(query);
    const labels = exported.get(listedName(metric))?.labels.split(', ') ?? [];
    expect([...GIVEN_LABELS, ...labels], query).toEqual(
      expect.arrayContaining([...labelsOf(query)]),
    );
  }
  const listed = documentedMetrics(readText('docs/metrics.md'), "The Temporal SDK's");
  for (const [name, { type }] of listed) {
    if (name.startsWith('temporal_')) expect(exported.get(name)?.type, name).toBe(type);
  }
});

/** Counters appear with their first event: a failed workflow task and a call to the server. */
async function failInAllWays(): Promise<void> {
  const { client } = world;
  await client.workflow.start('nobodyKnows', { workflowId: 'unknown', taskQueue: TASK_QUEUE });
  await using lock = await lockTable(world.superuserUrl, 'month_end_requests');
  await requestMonthEnd(client, { month: '2026-04', requestId: 'cut-off', actor: 'test' });
  await untilLockIsWaitedFor(world.superuserUrl, (sessions) => sessions > 0, 'arcadia-worker');
  // Reporting an activity of it fails with "not found".
  await monthEndHandle(world, '2026-04').terminate();
  await lock.release();
}
