import request, { type Response } from 'supertest';
import { expect } from 'vitest';
import type { Express } from 'express';
import { pino } from 'pino';
import { createApp } from '../../src/api/app.ts';
import { problemType } from '../../src/api/http/problems.ts';
import { problemsOf } from '../../src/api/openapi/problem-answers.ts';
import { ROUTES } from '../../src/api/routes/all-routes.ts';
import type { ApiDeps } from '../../src/api/http/api-deps.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { createRenderer } from '../../src/documents/renderer.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import type { MonthEndRequest } from '../../src/temporal/month-end-client.ts';
import { createTestDatabase } from '../_util/database.ts';
import { seedCatalogue, seedSeller, seedTenant } from '../_util/seed.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { API_CONFIG } from '../_util/api-config.ts';

export interface CallOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  /** Sent unchanged. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API on a database of its own, with tenants `acme` and `zeta`, and a key of each scope. */
export interface TestApi extends AsyncDisposable {
  /** For a test's own setup and checks. */
  readonly db: Database;
  readonly app: Express;
  /** The app's dependencies, to create another app. */
  readonly deps: ApiDeps;
  readonly apiUrl: string;
  readonly superuserUrl: string;
  readonly keys: Record<'gateway' | 'metering' | 'operator' | 'acme' | 'zeta', string>;
  /** The requests that month end received. */
  readonly requested: MonthEndRequest[];
  /** Calls the API; every answer must be documented in /openapi.json. */
  call(
    method: 'get' | 'post' | 'put' | 'delete',
    path: string,
    options?: CallOptions,
  ): Promise<Response>;
}

/** With `seller: false` there are no seller details yet. */
export async function createTestApi(
  overrides: Partial<ApiDeps> = {},
  { seller = true } = {},
): Promise<TestApi> {
  const testDatabase = await createTestDatabase();
  const open = (url: string) =>
    openDatabase({ url, maxConnections: 10, applicationName: 'test-api' });
  // The API itself uses the rights of its process.
  const [db, apiDb] = await Promise.all([open(testDatabase.appUrl), open(testDatabase.apiUrl)]);
  await seedCatalogue(db);
  if (seller) await seedSeller(db);
  await seedTenant(db, 'acme');
  await seedTenant(db, 'zeta');
  const keys = {
    gateway: (await createKey(db, { label: 'gateway', scope: 'gateway' })).plainKey,
    metering: (await createKey(db, { label: 'metering', scope: 'metering' })).plainKey,
    operator: (await createKey(db, { label: 'ops', scope: 'operator' })).plainKey,
    acme: (await createKey(db, { label: 'acme', scope: 'tenant', tenantId: 'acme' })).plainKey,
    zeta: (await createKey(db, { label: 'zeta', scope: 'tenant', tenantId: 'zeta' })).plainKey,
  };
  const requested: MonthEndRequest[] = [];
  const now = overrides.now ?? (() => new Date());
  const metrics = createMetrics();
  const deps: ApiDeps = {
    db: apiDb,
    now,
    metrics,
    ingestion: createIngestion({ db: apiDb, now, timeBounds: ANY_TIME }),
    watchdog: null,
    documents: createRenderer(),
    logger: pino({ level: 'silent' }),
    config: API_CONFIG,
    // test/workflows tests the workflow itself; here only the requests matter.
    monthEnd: {
      request: (asked) => {
        requested.push(asked);
        return Promise.resolve(`month-end-${asked.month}`);
      },
      tellRelease: () => Promise.resolve(),
      progress: () => Promise.resolve(null),
      run: (month) => Promise.resolve({ month, state: 'none', served: [] }),
      check: () => Promise.resolve(),
    },
    ...overrides,
  };
  const app = createApp(deps);
  const documented = await readDocument(app);

  return {
    db,
    app,
    deps,
    keys,
    apiUrl: testDatabase.apiUrl,
    requested,
    superuserUrl: testDatabase.superuserUrl,
    async call(method, path, { key, body, raw, headers = {} } = {}) {
      const pending = request(app)[method](path).set(headers);
      if (key) void pending.set('Authorization', `Bearer ${key}`);
      if (raw !== undefined)
        void pending.set('Content-Type', headers['Content-Type'] ?? 'application/json').send(raw);
      else if (body !== undefined) void pending.send(body as object);
      const response = await pending;
      expectDocumented(documented, method, path, response);
      return response;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([db.end(), apiDb.end(), deps.documents.close()]);
      await testDatabase.drop();
    },
  };
}

/** The key of each integration, and the field of its batches. */
const INTEGRATIONS = {
  'llm-usage': { key: 'gateway', field: 'events' },
  'metered-usage': { key: 'metering', field: 'records' },
} as const;

/** Sends a batch as its integration does. All of it has to be accepted. */
export async function sendUsage(
  api: TestApi,
  kind: keyof typeof INTEGRATIONS,
  events: readonly object[],
): Promise<void> {
  const { key, field } = INTEGRATIONS[kind];
  const { body } = await api.call('post', `/api/v1/integrations/${kind}`, {
    ...{ key: api.keys[key], body: { [field]: events } },
  });
  expect(body).toMatchObject({ counts: { accepted: events.length } });
}

interface OpenApi {
  readonly paths: Readonly<
    Record<string, Record<string, { responses: Record<string, { content: object }> }>>
  >;
}

async function readDocument(app: Express): Promise<OpenApi> {
  const response = await request(app).get('/openapi.json');
  return response.body as OpenApi;
}

/** A problem that the operation doesn't list has to be one of those that are common to it. */
function expectDocumented(
  document: OpenApi,
  method: string,
  path: string,
  { status, type, body }: Response,
): void {
  const [pathname = ''] = path.split('?', 1);
  const template = Object.keys(document.paths).find((candidate) =>
    new RegExp(`^${candidate.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  const operation = template && document.paths[template]?.[method];
  if (!operation) return;
  const route = ROUTES.find((each) => each.method === method && each.path === template);
  const answer = operation.responses[status];
  if (route !== undefined && type === 'application/problem+json') {
    const problem = (body as { readonly type: string }).type;
    expect(problemsOf(route).map(problemType), `${method} ${path}`).toContain(problem);
    if (answer === undefined) return;
  }
  expect(answer, `${method} ${path} answered ${status}, which is not documented`).toBeDefined();
  expect(Object.keys(answer?.content ?? {})).toContainEqual(expect.stringContaining(type));
}

export { llmEvent, meteredRecord } from './_events.ts';
