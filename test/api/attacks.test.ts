import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { MAX_BODY_BYTES } from '../../src/api/http/body-limits.ts';
import type { Route } from '../../src/api/http/route-definition.ts';
import { documentationRoutes } from '../../src/api/openapi/documentation.ts';
import { ROUTES } from '../../src/api/routes/all-routes.ts';
import { createKey, revokeKey, SCOPES, type Scope } from '../../src/db/access/api-keys.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { PAGES } from '../../src/api/pages/mount-pages.ts';
import { signIn } from './_pages.ts';
import { exampleCalls, pathOf, type ExampleCall } from './_calls.ts';
import { seedTenant, seedUsage } from '../_util/seed.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { createTestApi, llmEvent, sendUsage, type CallOptions, type TestApi } from './_harness.ts';

/** Attacks on every route. docs/security.md lists what each test shows. */

const ALL: readonly Route[] = [...ROUTES, ...documentationRoutes(ROUTES)];
const GUARDED = ALL.filter(({ scopes }) => scopes !== null);
const WITH_BODY = ALL.filter(({ body }) => body !== undefined);

const SQL = `'; DROP TABLE invoices; -- " $1 \\`;

let api: TestApi;
let superuser: pg.Client;
let noteId: string;
let calls: Readonly<Record<string, ExampleCall>>;
let world: Parameters<typeof buildInvoices>[0];

beforeAll(async () => {
  const config = { ...API_CONFIG, signingMasterSecrets: ['m'.repeat(32)] };
  api = await createTestApi({ config });
  superuser = new pg.Client({ connectionString: api.superuserUrl });
  await superuser.connect();
  await sendUsage(api, 'llm-usage', [llmEvent()]);
  const deps = { ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS };
  world = { activities: createActivities(deps) };
  await buildInvoices(world, ['zeta']);
  const invoiceId = await invoice('acme');
  noteId = await note('acme');
  calls = exampleCalls({ invoiceId, noteId });
});
afterAll(async () => {
  await superuser.end();
  await api[Symbol.asyncDispose]();
});

/** Builds the tenant's invoice. @returns its id */
async function invoice(tenantId: string): Promise<string> {
  await buildInvoices(world, [tenantId]);
  const [built] = await invoicesOf(api.db, tenantId);
  return built?.invoiceId ?? '';
}

/** Adjusts an earlier invoice of the tenant. @returns the id of the adjustment note */
async function note(tenantId: string): Promise<string> {
  const month = '2026-04';
  await buildInvoices(world, [tenantId], { month });
  const [earlier] = await invoicesOf(api.db, tenantId);
  await settleInvoice(api, earlier!);
  const late = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '10', month };
  await seedUsage(api.db, late);
  await forceInvoices(world, [tenantId], {}, month);
  const [issued] = await notesOf(api.db, tenantId);
  return issued!.invoiceId;
}

test('there is an example call for exactly the existing routes', () => {
  expect(Object.keys(calls).toSorted()).toEqual(
    ALL.map(({ operationId }) => operationId).toSorted(),
  );
});

function exampleOf({ operationId }: Route): ExampleCall {
  return calls[operationId] ?? {};
}

/** Calls a route with its example, overridden by `options`. */
function attack(route: Route, options: CallOptions = {}, example = exampleOf(route)) {
  const body = options.raw === undefined ? (options.body ?? example.body?.()) : undefined;
  return api.call(route.method, pathOf(route.path, example), { ...options, body });
}

/** The status of an answer. A batch is answered with 200, and rejects each wrong entry. */
function statusOf({ status, body }: Awaited<ReturnType<typeof attack>>): number {
  const { counts } = body as { readonly counts?: { readonly rejected?: number } };
  return status === 200 && (counts?.rejected ?? 0) > 0 ? 422 : status;
}

const KEYS = { gateway: 'gateway', metering: 'metering', operator: 'operator', tenant: 'acme' };
function keyFor(scope: Scope): string {
  return api.keys[KEYS[scope] as keyof TestApi['keys']];
}
/** A key with a scope that the route accepts. */
function rightKey({ scopes }: Route): string | null {
  const [scope] = scopes ?? [];
  return scope === undefined ? null : keyFor(scope);
}

describe.each(GUARDED)('$method $path', (route) => {
  const isAllowed = (scope: Scope) => route.scopes?.includes(scope) ?? false;

  test.each(SCOPES.filter(isAllowed))('allows the scope %s', async (scope) => {
    const example = exampleOf(route);
    const query = (scope === 'operator' ? example.operatorQuery : undefined) ?? example.query;
    const { status } = await attack(
      route,
      { key: keyFor(scope) },
      { ...example, ...(query !== undefined && { query }) },
    );
    expect([200, 201, 202, 404, 409]).toContain(status);
  });

  test.each(SCOPES.filter((scope) => !isAllowed(scope)))('rejects the scope %s', async (scope) => {
    const { status, body } = await attack(route, { key: keyFor(scope) });
    expect(status).toBe(403);
    expect(body).toMatchObject({ type: 'urn:arcadia:problem:forbidden' });
  });

  test.each([
    ['no key', undefined],
    ['an unknown key', `Bearer arc_operator_${'x'.repeat(43)}`],
    ['a malformed key', 'Bearer nonsense'],
    ['SQL for a key', `Bearer ${SQL.replaceAll(' ', '')}`],
    ['another scheme', 'Basic b3BzOm9wcw=='],
    ['nothing after the scheme', 'Bearer '],
  ])('answers 401 to %s', async (_name, authorization) => {
    const headers: Record<string, string> = authorization ? { Authorization: authorization } : {};
    const { status, body, headers: sent } = await attack(route, { headers });
    expect(status).toBe(401);
    expect(sent['www-authenticate']).toMatch(/^Bearer/);
    expect(body).toMatchObject({ type: 'urn:arcadia:problem:unauthenticated' });
  });

  test('answers 401 to a revoked and to an expired key', async () => {
    const [scope] = route.scopes as readonly [Scope];
    const about = scope === 'tenant' ? { scope, tenantId: 'acme' } : { scope };
    const revoked = await createKey(api.db, { label: 'revoked', ...about });
    await revokeKey(api.db, revoked.keyId);
    expect((await attack(route, { key: revoked.plainKey })).status).toBe(401);

    const expired = await createKey(api.db, { label: 'expired', ...about });
    await superuser.query(
      `UPDATE api_keys SET created_at = now() - interval '2 days',
         expires_at = now() - interval '1 second' WHERE key_id = $1`,
      [expired.keyId],
    );
    expect((await attack(route, { key: expired.plainKey })).status).toBe(401);
  });
});

describe("another tenant's data looks as if it did not exist", () => {
  const OF_INVOICES = GUARDED.filter(
    ({ scopes, path }) =>
      scopes?.includes('tenant') && /\{(?:invoice|adjustment_note)_id\}/.test(path),
  );

  test.each(OF_INVOICES)('$method $path', async (route) => {
    const own = await attack(route, { key: api.keys.acme });
    expect(own.status).toBe(200);
    const others = await attack(route, { key: api.keys.zeta });
    const unknown = await attack(
      route,
      { key: api.keys.zeta },
      exampleCalls({ invoiceId: crypto.randomUUID(), noteId: crypto.randomUUID() })[
        route.operationId
      ],
    );
    expect(others.status).toBe(404);
    // The wording is the same, too.
    expect(unknown.body).toEqual({
      ...(others.body as object),
      request_id: expect.any(String) as string,
    });
  });

  const BY_TENANT = GUARDED.filter(
    ({ method, scopes, query }) =>
      method === 'get' && scopes?.includes('tenant') && query?.shape.tenant_id !== undefined,
  );

  test.each(BY_TENANT)('$path of another tenant', async (route) => {
    const ask = (tenantId: string) =>
      attack(
        route,
        { key: api.keys.zeta },
        { ...exampleOf(route), query: `tenant_id=${tenantId}` },
      );
    expect((await ask('zeta')).status).toBe(200);
    const [others, unknown] = [await ask('acme'), await ask('nobody')];
    expect([others.status, unknown.status]).toEqual([404, 404]);
    const { detail } = others.body as { detail: string };
    expect(unknown.body).toMatchObject({ detail: detail.replaceAll('acme', 'nobody') });
  });

  const PAGES_OF_DOCUMENTS = PAGES.filter(
    ({ scopes, path }) => scopes.includes('tenant') && /:(?:invoice|adjustment_note)_id/.test(path),
  );

  test.each(PAGES_OF_DOCUMENTS)('page $path', async ({ path }) => {
    const fill = (ids: { invoiceId: string; noteId: string }) =>
      path
        .replace(':invoice_id', ids.invoiceId)
        .replace(':adjustment_note_id', ids.noteId)
        .replace(':line_no', path.includes(':invoice_id') ? '2' : '1');
    const owner = await signIn(api.app, api.keys.acme);
    const other = await signIn(api.app, api.keys.zeta);
    const invoiceId = calls.getInvoice?.params?.invoice_id ?? '';
    const url = fill({ invoiceId, noteId });
    expect((await owner.get(url)).status).toBe(200);
    const others = await other.get(url);
    expect(others.status).toBe(404);
    const unknown = await other.get(
      fill({ invoiceId: crypto.randomUUID(), noteId: crypto.randomUUID() }),
    );
    const withoutId = (text: string) => text.replace(/in the logs: <span[^>]*>[^<]*/, '');
    expect(withoutId(others.text)).toBe(withoutId(unknown.text));
  });

  test('in pages, whatever tenant they are asked for', async () => {
    const other = await signIn(api.app, api.keys.zeta);
    const own = PAGES.filter(
      ({ method, path, scopes }) =>
        method === 'get' && scopes.length === 1 && scopes[0] === 'tenant' && !path.includes('_id'),
    );
    expect(own.length).toBeGreaterThan(6);
    for (const { path } of own) {
      const url = path.replace(':month', '2026-05');
      const { status, text } = await other.get(`${url}?tenant_id=acme&month=2026-05`);
      expect([200, 303], path).toContain(status);
      expect(text, path).not.toContain('acme');
    }
  });

  test('in lists', async () => {
    const asked = await api.call('get', '/api/v1/invoices?tenant_id=acme', { key: api.keys.zeta });
    expect(asked.status).toBe(404);
    const { body } = await api.call('get', '/api/v1/invoices', { key: api.keys.zeta });
    const { invoices } = body as { invoices: { tenant_id: string }[] };
    expect(invoices.map(({ tenant_id }) => tenant_id)).toEqual(['zeta']);
  });
});

describe('SQL is treated as ordinary text', () => {
  const tables = async () => {
    const { rows } = await superuser.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`,
    );
    return rows.map(({ name }) => name);
  };
  let lastTenant = 0;
  /** Whether any row of any table contains exactly this text. */
  async function isStored(text: string): Promise<boolean> {
    for (const table of await tables()) {
      const { rowCount } = await superuser.query(
        `SELECT FROM ${pg.escapeIdentifier(table)} AS t WHERE strpos(to_jsonb(t)::text, $1) > 0 LIMIT 1`,
        [JSON.stringify(text).slice(1, -1)],
      );
      if (rowCount) return true;
    }
    return JSON.stringify(api.requested).includes(JSON.stringify(text).slice(1, -1));
  }

  test.each(WITH_BODY)('in each field of the body of $method $path', async (route) => {
    const body = exampleOf(route).body?.() ?? {};
    const before = await tables();
    for (const path of stringPaths(body)) {
      const text = `${path.join('.')} ${SQL}`.slice(0, 60);
      const tenantId = `sql-${(lastTenant += 1)}`;
      await seedTenant(api.db, tenantId);
      // Each has its own invoice, because an invoice is voided once.
      const own = { invoiceId: await invoice(tenantId), noteId };
      const example = exampleCalls(own)[route.operationId];
      const options = { key: rightKey(route), body: withValue(body, path, text) };
      const status = statusOf(await attack(route, options, example));
      if (status < 300) expect(await isStored(text), `${path.join('.')} as it was sent`).toBe(true);
      else expect([404, 409, 422], path.join('.')).toContain(status);
    }
    expect(await tables()).toEqual(before);
  });

  test.each(GUARDED.filter(({ path }) => path.includes('{')))(
    'in each part of the path $method $path',
    async (route) => {
      const example = exampleOf(route);
      for (const name of Object.keys(example.params ?? {})) {
        const params = { ...example.params, [name]: SQL };
        const { status } = await attack(route, { key: rightKey(route) }, { ...example, params });
        expect([404, 422], name).toContain(status);
      }
    },
  );

  test.each(GUARDED.filter(({ query }) => query !== undefined))(
    'in each field of the query of $method $path, and in repeated fields',
    async (route) => {
      for (const name of Object.keys(route.query?.shape ?? {})) {
        for (const query of [`${name}=${encodeURIComponent(SQL)}`, `${name}=1&${name}=2`]) {
          const example = { ...exampleOf(route), query };
          const { status } = await attack(route, { key: rightKey(route) }, example);
          // A search text may be anything; only operators may give a reason.
          if (!query.includes('&')) expect([200, 201, 403, 404, 422], name).toContain(status);
          else expect(status, name).toBe(422);
        }
      }
    },
  );
});

/** Characters that ids may not contain. PostgreSQL cannot store the first. */
const INVISIBLE = {
  NUL: 'a\0b',
  'a line feed': 'a\nb',
  ESC: 'a\u001b[31mb',
  'a C1 control character': 'a\u009bb',
  'a bidirectional override': 'a\u202eb',
  'a zero-width space': 'a\u200bb',
};
/** Any answer that does not blame the server. */
const ANSWERED = expect.toSatisfy((status: number) => status < 500, 'below 500');
const cursorOf = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url');
/** Page cursors of each list, and one of no list. */
const cursorKeys = (text: string) => [
  text,
  { code: text, version: 1 },
  { tenant_id: text, threshold_id: text },
  { period_start: text, invoice_id: crypto.randomUUID() },
  { change_cents: 1, tenant_id: text, revision: 1, invoice_id: crypto.randomUUID() },
  { change_cents: 1, tenant_id: 'acme', revision: 2 ** 40, invoice_id: crypto.randomUUID() },
];

describe.each(Object.entries(INVISIBLE))('%s never causes a server error', (_name, text) => {
  const encoded = encodeURIComponent(text);

  test.each(GUARDED.filter(({ path }) => path.includes('{')))(
    'in the path of $method $path',
    async (route) => {
      const example = exampleOf(route);
      for (const name of Object.keys(example.params ?? {})) {
        const params = { ...example.params, [name]: text };
        const { status } = await attack(route, { key: rightKey(route) }, { ...example, params });
        expect([400, 404, 422], name).toContain(status);
      }
    },
  );

  test.each(GUARDED)('in the query of $method $path', async (route) => {
    const names = Object.keys(route.query?.shape ?? { unknown: true });
    const values = [encoded, ...cursorKeys(text).map(cursorOf)];
    for (const name of names) {
      for (const value of name === 'cursor' ? values : [encoded]) {
        const example = { ...exampleOf(route), query: `${name}=${value}` };
        const { status } = await attack(route, { key: rightKey(route) }, example);
        expect(status, name).toEqual(ANSWERED);
        if (text === INVISIBLE.NUL) expect([400, 403, 422], name).toContain(status);
      }
    }
  });

  test.each(WITH_BODY)('in the body of $method $path', async (route) => {
    const body = exampleOf(route).body?.() ?? {};
    for (const path of stringPaths(body)) {
      const attacked = withValue(body, path, text);
      const status = statusOf(await attack(route, { key: rightKey(route), body: attacked }));
      expect(status, path.join('.')).toEqual(ANSWERED);
      const isId = /(?:_id|_ids\.0|code)$/.test(path.join('.'));
      if (isId) expect([404, 422], path.join('.')).toContain(status);
    }
    for (const path of [[], ...objectPaths(body)]) {
      const attacked = withValue(body, [...path, text], 'x');
      const status = statusOf(await attack(route, { key: rightKey(route), body: attacked }));
      expect([404, 422], `a name in ${path.join('.')}`).toContain(status);
    }
  });

  test.each(['get', 'post'] as const)(
    'in each page, by %s',
    async (method) => {
      const sessions = {
        operator: await signIn(api.app, api.keys.operator),
        tenant: await signIn(api.app, api.keys.acme),
      };
      const PARAMS = {
        month: '2026-05',
        invoice_id: await invoice('acme'),
        adjustment_note_id: noteId,
        line_no: '2',
        item_id: 'x',
        quarantine_id: '1',
        event_id: crypto.randomUUID(),
        action_id: '1',
        deployment_id: 'acme-a',
        threshold_id: 'x',
        tenant_id: 'acme',
      };
      for (const { path, scopes } of PAGES.filter((page) => page.method === method)) {
        const visitor = sessions[scopes.includes('operator') ? 'operator' : 'tenant'];
        const fill = (values: object) =>
          path.replaceAll(/:(\w+)/g, (_, name: string) =>
            encodeURIComponent({ request_id: 'x', ...PARAMS, ...values }[name] ?? ''),
          );
        const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
        const paths = [
          ...names.map((name) => fill({ [name]: text })),
          ...PAGE_FIELDS.map(
            (name) => `${fill({})}?plan_code=studio&starts_on=&${name}=${encoded}`,
          ),
          ...cursorKeys(text).map((key) => `${fill({})}?cursor=${cursorOf(key)}`),
          ...cursorKeys(text).map((key) => `${fill({})}?order=tenant&cursor=${cursorOf(key)}`),
        ];
        for (const url of paths) {
          const { status } = await visitor[method](url, { tenant_id: 'acme', reason: 'x' });
          expect(status, url).toEqual(ANSWERED);
        }
        if (method === 'post') {
          for (const name of PAGE_FIELDS) {
            const form = { tenant_id: 'acme', reason: 'x', [name]: text };
            const { status } = await visitor.post(fill({}), form);
            expect(status, `${path} ${name}`).toEqual(ANSWERED);
          }
        }
      }
      // Thousands of requests: each page with the text in each field.
    },
    180_000,
  );
});

/** The fields that pages read from URLs and forms. */
const PAGE_FIELDS = [
  'action',
  'actor',
  'addons',
  'amount',
  'as_currency',
  'as_deployment',
  'as_tenant',
  'cursor',
  'days',
  'description',
  'endpoint_id',
  'event_id',
  'held_for',
  'item_id',
  'month',
  'order',
  'outcome',
  'percent',
  'plan_code',
  'q',
  'quarantine_id',
  'reason',
  'request_id',
  'scope',
  'search',
  'seen',
  'show',
  'since',
  'starts_on',
  'state',
  'status',
  'tenant_id',
  'tenant_ids',
  'then',
  'threshold_id',
  'type',
  'usage.llm_tokens',
  'usage.a%00b',
];

test('rejects half of a surrogate pair in each text of each body', async () => {
  for (const route of WITH_BODY) {
    const body = exampleOf(route).body?.() ?? {};
    for (const path of stringPaths(body)) {
      const raw = JSON.stringify(withValue(body, path, 'a\ud800b'));
      const status = statusOf(await attack(route, { key: rightKey(route), raw }));
      expect([404, 422], `${route.operationId} ${path.join('.')}`).toContain(status);
    }
  }
});

test.each(['1000-01', '1999-12', '3000-01'])(
  'pages of the month %s do not exist',
  async (month) => {
    const sessions = {
      operator: await signIn(api.app, api.keys.operator),
      tenant: await signIn(api.app, api.keys.acme),
    };
    for (const { path, scopes } of PAGES.filter(({ path }) => path.includes(':month'))) {
      const { status } = await sessions[scopes.includes('operator') ? 'operator' : 'tenant'].get(
        path.replace(':month', month).replace(':request_id', 'x').replace(':tenant_id', 'acme'),
      );
      expect([404, 422], path).toContain(status);
    }
    const asked = await api.call('get', `/api/v1/roll-ups/${month}`, { key: api.keys.operator });
    expect(asked.status).toBe(422);
  },
);

describe.each(WITH_BODY)('the body of $method $path', (route) => {
  const refuse = async (options: CallOptions, statuses: readonly number[]) => {
    const { status, body } = await attack(route, { key: rightKey(route), ...options });
    expect(statuses).toContain(status);
    expect((body as { type: string }).type).toMatch(/^urn:arcadia:problem:/);
  };

  test.each(['__proto__', 'constructor', 'toString', 'is_admin'])(
    'rejects a field %s',
    async (name) => {
      const json = JSON.stringify(exampleOf(route).body?.());
      const raw = json.replace(/\}$/, `,${JSON.stringify(name)}:{"polluted":true}}`);
      await refuse({ raw }, [400, 422]);
      expect({}).not.toHaveProperty('polluted');
    },
  );

  test.each([
    ['lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
    ['objects in a field', `{"reason":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
  ])('is rejected when nested 100,000 %s deep', async (_name, raw) => {
    // Most routes reject more than 256 KiB anyway.
    await refuse({ raw }, [400, 413, 422]);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/json; charset=utf-7',
    'application/jsonp',
  ])('is rejected with the content type %s', async (type) => {
    const raw = JSON.stringify(exampleOf(route).body?.());
    await refuse({ raw, headers: { 'Content-Type': type } }, [415]);
  });

  // A usage body is accepted: each event is rejected on its own, with its first twenty errors.
  const tooLarge = route.maxEntries === null ? [422] : [413];
  test.each<[string, () => string]>([
    ['20,001 empty objects', () => `{"x":[${'{},'.repeat(20_000)}{}]}`],
    ['20,001 empty objects in lists of lists', () => `[${'[{},{}],'.repeat(6_667)}{}]`],
    ['1,001 unknown fields', () => JSON.stringify(Object.fromEntries(manyNames(1_001)))],
    ['a name of 201 characters', () => `{"${'x'.repeat(201)}":1}`],
  ])('is rejected with %s', async (_name, raw) => {
    await refuse({ raw: raw() }, tooLarge);
  });

  test("is rejected beyond the route's limit, also once decompressed", async () => {
    const reason = 'x'.repeat(route.maxBodyBytes ?? MAX_BODY_BYTES);
    const large = JSON.stringify({ ...exampleOf(route).body?.(), reason });
    await refuse({ raw: large }, [413]);
    await using server = await listen(api);
    const response = await fetch(server.url + pathOf(route.path, exampleOf(route)), {
      method: route.method.toUpperCase(),
      headers: {
        Authorization: `Bearer ${rightKey(route)}`,
        'Content-Type': 'application/json',
        'Content-Encoding': 'gzip',
      },
      // 40 KB decompress to 40 MB.
      body: gzipSync(`{"reason":"${'x'.repeat(40_000_000)}"}`),
    });
    expect(response.status).toBe(413);
  });
});

function manyNames(count: number): [string, number][] {
  return Array.from({ length: count }, (_, index) => [`name-${index}`, 1]);
}

async function listen({ app }: TestApi): Promise<AsyncDisposable & { readonly url: string }> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Path = readonly (string | number)[];

/** The paths of all texts in a value. */
function stringPaths(value: unknown, at: Path = []): Path[] {
  if (typeof value === 'string') return [at];
  if (Array.isArray(value))
    return value.flatMap((item, index) => stringPaths(item, [...at, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => stringPaths(item, [...at, key]));
}

/** The paths of all nested objects in a value. */
function objectPaths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const within = Object.entries(value).flatMap(([key, item]) =>
    objectPaths(item, [...at, Array.isArray(value) ? Number(key) : key]),
  );
  return Array.isArray(value) || at.length === 0 ? within : [at, ...within];
}

function withValue(value: unknown, [head, ...rest]: Path, text: string): unknown {
  if (head === undefined) return text;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      index === head ? withValue(item, rest, text) : item,
    );
  }
  const object = value as Record<string, unknown>;
  return { ...object, [head]: withValue(object[String(head)], rest, text) };
}
