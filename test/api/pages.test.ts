import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { PAGES } from '../../src/api/pages/mount-pages.ts';
import { createKey, revokeKey } from '../../src/db/access/api-keys.ts';
import { sql } from '../../src/db/sql.ts';
import { STYLESHEET } from '../../src/api/pages/views/layout.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { SAME_ORIGIN, cookieOf, postForm, signIn } from './_pages.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const html = { Accept: 'text/html' };
const getPage = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  request(api.app).get(path).set(html).set(headers);
/** An example page of a route. */
const somePath = (path: string) =>
  path
    .replace(':month', '2026-05')
    .replace(':invoice_id', '3f2504e0-4f89-41d3-9a0c-0305e82c3301')
    .replace(':adjustment_note_id', '3f2504e0-4f89-41d3-9a0c-0305e82c3301')
    .replace(':line_no', '1')
    .replace(':item_id', 'workshop-7')
    .replace(':tenant_id', 'acme')
    .replace(':threshold_id', 'warning')
    .replace(':quarantine_id', '999')
    .replace(':event_id', '3f2504e0-4f89-41d3-9a0c-0305e82c3301')
    .replace(':action_id', '999999')
    .replace(':request_id', 'r-1');

describe('sign-in', () => {
  test('accepts a key and sets a cookie that does not contain it', async () => {
    const answer = await postForm(api.app, '/sign-in', {
      key: ` ${api.keys.operator}\n`,
      then: '/operator/months/2026-05?x=1',
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/operator/months/2026-05?x=1');
    const [header = ''] = answer.headers['set-cookie'] as unknown as string[];
    expect(header).toMatch(/^arcadia_session=.*HttpOnly.*SameSite=Strict/);
    expect(decodeURIComponent(header)).not.toContain(api.keys.operator.slice(13));
    const page = await getPage('/operator/months', { Cookie: cookieOf(answer) });
    expect(page.status).toBe(200);
    expect(page.text).toContain('<span class="who">ops</span>');
  });

  test('sets a secure cookie for this host over HTTPS', async () => {
    const behindProxy = createApp({
      ...api.deps,
      config: { ...api.deps.config, trustedProxies: 1 },
    });
    const answer = await postForm(
      behindProxy,
      '/sign-in',
      { key: api.keys.operator, then: '' },
      { Origin: 'https://billing.example', Host: 'billing.example', 'X-Forwarded-Proto': 'https' },
    );
    expect(answer.status).toBe(303);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^__Host-arcadia_session=.*; Secure/);
  });

  test('explains over plain HTTP from another machine why it cannot work', async () => {
    const page = await getPage('/sign-in', { Host: 'billing.example' });
    expect(page.text).toContain('over plain HTTP');
    expect((await getPage('/sign-in')).text).not.toContain('over plain HTTP');
  });

  test.each([
    ['https://evil.example/operator', '/operator/months'],
    ['//evil.example/operator', '/operator/months'],
    ['/api/v1/invoices', '/operator/months'],
  ])('never leads to %s', async (then, location) => {
    const answer = await postForm(api.app, '/sign-in', { key: api.keys.operator, then });
    expect(answer.headers.location).toBe(location);
  });

  test.each([
    ['acme', '/operator/months', '/tenant'],
    ['acme', '/tenant/invoices', '/tenant/invoices'],
    ['acme', '/quote?plan_code=studio', '/quote?plan_code=studio'],
    ['operator', '/tenant/invoices', '/operator/months'],
    ['operator', '', '/operator/months'],
    ['acme', '', '/tenant'],
  ] as const)('with the key of %s to %j leads to %s', async (key, then, location) => {
    const form = { key: api.keys[key], then };
    expect((await postForm(api.app, '/sign-in', form)).headers.location).toBe(location);
  });

  test('leads visitors who are signed in to their start page', async () => {
    const tenant = await signIn(api.app, api.keys.acme);
    expect((await tenant.get('/sign-in?then=')).headers.location).toBe('/tenant');
    expect((await tenant.get('/sign-in')).status).toBe(200);
  });

  test('rejects an unknown key with the form and a message', async () => {
    const key = `${api.keys.operator.slice(0, -1)}_`;
    const answer = await postForm(api.app, '/sign-in', { key, then: '/operator/months' });
    expect(answer.status).toBe(401);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.text).toContain('the API key is unknown or revoked');
    expect(answer.text).toContain('role="alert"');
    expect(answer.text).toContain('value="/operator/months"');
    expect(answer.text).not.toContain(key);
  });

  test.each(['gateway', 'metering'] as const)('rejects a %s key', async (scope) => {
    const answer = await postForm(api.app, '/sign-in', { key: api.keys[scope], then: '' });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain(`A ${scope} key cannot open pages`);
  });

  test('rejects a key that has to sign, and says so', async () => {
    const { plainKey, keyId } = await createKey(api.db, { label: 'signs', scope: 'operator' });
    const session = await signIn(api.app, plainKey);
    await api.db.query(
      sql.typeAlias('nothing')`INSERT INTO signing_secrets (key_id) VALUES (${keyId})`,
    );
    // At once for a session; for a sign-in once the cached key is old.
    expect((await session.get('/operator/months')).status).toBe(303);
    const fresh = createApp(api.deps);
    const answer = await postForm(fresh, '/sign-in', { key: plainKey, then: '' });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('must sign each request');
  });

  test("counts failures together with the API's", async () => {
    const app = createApp({ ...api.deps, config: { ...api.deps.config, failedAuthsPerMinute: 2 } });
    const wrong = { key: 'arc_operator_wrong', then: '' };
    expect((await postForm(app, '/sign-in', wrong)).status).toBe(401);
    await request(app).get('/api/v1/invoices').set('Authorization', 'Bearer wrong').expect(401);
    const refused = await postForm(app, '/sign-in', wrong);
    expect(refused.status).toBe(429);
    expect(refused.text).toContain('<h1>Too many requests</h1>');
    expect(refused.headers['retry-after']).toMatch(/^\d+$/);
    const valid = await postForm(app, '/sign-in', { key: api.keys.operator, then: '' });
    expect(valid.status).toBe(303);
  });

  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sister site', { 'Sec-Fetch-Site': 'same-site' }],
    ["another site's origin", { Origin: 'https://evil.example' }],
    ['an origin that is told to nobody', { Origin: 'null' }],
    ['contradictions', { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.example' }],
    ['no browser at all', {}],
  ])('is rejected from %s', async (_from, headers) => {
    const answer = await postForm(
      api.app,
      '/sign-in',
      { key: api.keys.operator, then: '' },
      headers,
    );
    expect(answer.status).toBe(403);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

test("each link of the operators' navigation says what the title of its page says", async () => {
  const operator = await signIn(api.app, api.keys.operator);
  const { text } = await operator.get('/operator/months');
  const links = [...text.matchAll(/<a href="(\/operator\/[a-z]+|\/quote)">([^<]+)<\/a>/g)];
  expect(links.length).toBeGreaterThan(7);
  for (const [, path = '', name = ''] of links) {
    const [, title] = /<h1>([^<]+)<\/h1>/.exec((await operator.get(path)).text) ?? [];
    // The title of the keys is `API keys`.
    expect(title?.toLowerCase(), path).toContain(name.toLowerCase());
  }
});

describe('a session', () => {
  test.each(PAGES.map((each) => [each.method, each.path, each.scopes] as const))(
    'with the right scope is required for %s %s',
    async (method, path, scopes) => {
      const url = somePath(path);
      const ask = (cookie: string) =>
        request(api.app)
          [method](url)
          .set({ ...html, ...SAME_ORIGIN, Cookie: cookie });
      const nobody = await ask('arcadia_session=made.up.token');
      if (path.endsWith('/live')) {
        expect(nobody.status).toBe(401);
      } else {
        expect(nobody.status).toBe(303);
        const then = method === 'get' ? encodeURIComponent(url) : '';
        expect(nobody.headers.location).toBe(`/sign-in?then=${then}`);
      }
      const root = path === '/quote' ? 'both' : path.split('/')[1];
      expect(scopes).toEqual(root === 'both' ? ['tenant', 'operator'] : [root]);
      for (const [scope, key] of [
        ['tenant', api.keys.acme],
        ['operator', api.keys.operator],
      ] as const) {
        const { status, text } = await ask((await signIn(api.app, key)).cookie);
        if (!scopes.includes(scope)) {
          expect({ scope, status }).toEqual({ scope, status: 403 });
          expect(text).toContain(`not ${scope}`);
        } else if (method === 'get') {
          // No invoice has the example's id, no usage its month, and some pages need a query.
          expect([200, 303, 404, 422], scope).toContain(status);
        }
      }
    },
  );

  test('ends at once when its key is revoked', async () => {
    const { plainKey, keyId } = await createKey(api.db, { label: 'leaver', scope: 'operator' });
    const session = await signIn(api.app, plainKey);
    expect((await session.get('/operator/months')).status).toBe(200);
    await revokeKey(api.db, keyId);
    expect((await session.get('/operator/months')).status).toBe(303);
  });

  test('ends when its key expires', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const { plainKey } = await createKey(api.db, { label: 'brief', scope: 'operator', expiresAt });
    let now = new Date();
    const app = createApp({ ...api.deps, now: () => now });
    const session = await signIn(app, plainKey);
    expect((await session.get('/operator/months')).status).toBe(200);
    now = expiresAt;
    expect((await session.get('/operator/months')).status).toBe(303);
  });

  test('is not accepted by the API', async () => {
    const { cookie } = await signIn(api.app, api.keys.operator);
    await request(api.app).get('/api/v1/invoices').set('Cookie', cookie).expect(401);
  });

  test('is signed out only by its own form', async () => {
    const session = await signIn(api.app, api.keys.operator);
    const forged = await session.post('/sign-out', { form_token: 'x' });
    expect(forged.status).toBe(403);
    const answer = await session.post('/sign-out', {});
    expect(answer.status).toBe(303);
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^arcadia_session=; Max-Age=0/);
  });

  test("counts towards its key's limit, like API calls", async () => {
    const app = createApp({ ...api.deps, config: { ...api.deps.config, requestsPerMinute: 2 } });
    const session = await signIn(app, api.keys.operator);
    const call = () =>
      request(app).get('/api/v1/invoices').set('Authorization', `Bearer ${api.keys.operator}`);
    await call().expect(200);
    expect((await session.get('/operator/months')).status).toBe(200);
    expect((await session.get('/operator/months')).status).toBe(429);
    await call().expect(429);
  });
});

describe('a request from another site', () => {
  const path = '/operator/months/2026-05/re-run';
  const fields = { tenant_id: 'acme', reason: 'mischief', request_id: 'r-1' };

  test.each([
    ['from another site', {}, { 'Sec-Fetch-Site': 'cross-site' }],
    ['from no page', {}, {}],
    ['without the token', { form_token: '' }, SAME_ORIGIN],
    ["with another session's token", { form_token: 'x'.repeat(43) }, SAME_ORIGIN],
  ])('is rejected: %s', async (_how, token, headers) => {
    const session = await signIn(api.app, api.keys.operator);
    const answer = await session.post(path, { ...fields, ...token }, headers);
    expect(answer.status).toBe(403);
    expect(api.requested).toEqual([]);
  });
});

describe('pages', () => {
  test('load nothing from other sites and run only their own script', async () => {
    const page = await getPage('/sign-in');
    const csp = page.headers['content-security-policy'];
    expect(csp).toContain("default-src 'none'");
    expect(csp).not.toMatch(/unsafe|https?:|\*/);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['referrer-policy']).toBe('same-origin');
    const [, stylesheet = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(page.text) ?? [];
    const asset = await request(api.app).get(stylesheet).expect(200);
    expect(asset.headers['content-type']).toContain('text/css');
    expect(asset.headers['cache-control']).toContain('immutable');
  });

  test('are not in the OpenAPI document', async () => {
    const { body } = await api.call('get', '/openapi.json');
    expect(
      Object.keys((body as { paths: object }).paths).filter((path) => !path.startsWith('/api/')),
    ).toEqual(['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']);
  });

  test('show problems as pages to people and as JSON to programs', async () => {
    const missing = await getPage('/operator/nowhere', { 'X-Request-Id': 'find-me' });
    expect(missing.status).toBe(404);
    expect(missing.text).toContain('<h1>Not found</h1>');
    expect(missing.text).toContain('There is no page at this address.');
    expect(missing.text).toContain('find-me');
    expect(missing.text).not.toContain('class="sign-out"');
    const program = await request(api.app).get('/operator/nowhere').set('Accept', '*/*');
    expect(program.type).toBe('application/problem+json');
    const call = await getPage('/api/v1/nowhere');
    expect(call.type).toBe('application/problem+json');
  });

  const GET = 'GET, HEAD';
  const PATHS = [...new Set(PAGES.map(({ path }) => path))];
  /** Of the first path that matches, as in Express. */
  const allowed = (url: string) => {
    const matches = (path: string) =>
      new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`).test(url);
    const first = PATHS.find(matches);
    return [
      ['get', GET],
      ['post', 'POST'],
    ]
      .filter(([method]) => PAGES.some((page) => page.path === first && page.method === method))
      .map(([, names]) => names)
      .join(', ');
  };
  test.each([
    ['delete', '/sign-in', `${GET}, POST`],
    ['get', '/sign-out', 'POST'],
    ['post', '/operator', GET],
    ['post', STYLESHEET.path, GET],
    ['post', '/operator/months', GET],
    ...PATHS.map((path): ['put', string, string] => [
      'put',
      somePath(path),
      allowed(somePath(path)),
    ]),
  ] as const)('list their allowed methods: %s %s', async (method, path, allow) => {
    const answer = await request(api.app)[method](path).set(html);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
    expect(answer.text).toContain(`This path supports ${allow.replaceAll(', ', ' and ')}`);
  });

  test('report an unreachable database', async () => {
    const away = await createTestApi();
    const session = await signIn(away.app, away.keys.operator);
    await away[Symbol.asyncDispose]();
    const answer = await session.get('/operator/months');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.text).toContain('<h1>The database can’t be reached</h1>');
  });

  test.each([
    ['/operator/months/2026-13', 422],
    ['/operator/months?cursor=x', 422],
    ['/operator/months/2026-05/invoices?status=lost', 422],
    ['/operator/invoices/nothing', 404],
    ['/operator/invoices/3f2504e0-4f89-41d3-9a0c-0305e82c3301', 404],
    ['/operator/months/2026-05/invoices?status=&outcome=&search=', 200],
    ['/operator/months/2026-05/requests/nobody', 200],
    ['/operator', 303],
  ])('%s answers %s', async (path, status) => {
    const session = await signIn(api.app, api.keys.operator);
    expect((await session.get(path)).status).toBe(status);
  });
});

describe('the quote', () => {
  const SMOKE =
    '/quote?plan_code=studio&usage.llm_tokens=1%2C500%2C000&usage.spaces_gb_month=150&starts_on=2026-05-20';

  test("matches the API's, itemised by part", async () => {
    const session = await signIn(api.app, api.keys.acme);
    const { status, text } = await session.get(SMOKE);
    expect(status).toBe(200);
    const { body } = await api.call('post', '/api/v1/quote', {
      key: api.keys.acme,
      body: {
        plan_code: 'studio',
        projected_usage: { llm_tokens: '1500000', spaces_gb_month: '150' },
        starts_on: '2026-05-20',
      },
    });
    expect((body as { all_in_monthly_cents: number }).all_in_monthly_cents).toBe(5600);
    expect(text).toContain('AUD 61.60 per month, GST included');
    expect(text).toMatch(/Before tax<\/th>.*56\.00.*GST \(10%\)<\/th>.*5\.60.*61\.60/);
    // 12 of 31 days of the base price.
    expect(text).toMatch(/20\u00a0May 2026 to 31\u00a0May 2026, billed by days/);
    expect(text).toMatch(/Before tax<\/th>.*19\.35.*GST \(10%\)<\/th>.*1\.94.*21\.29/);
    expect(text).toMatch(/Included in the first month.*288\u00a0hours/s);
    expect(text).toMatch(
      /Base<\/th><td class="figure">AUD 50\.00<\/td><td class="figure">89\.29 %/,
    );
    expect(text).toMatch(
      /Overage<\/th><td class="figure">AUD 6\.00<\/td><td class="figure">10\.71 %/,
    );
    // The tenant's own label, and no link to operator pages.
    expect(text).toContain('<span class="who">acme</span>');
    expect(text).not.toContain('/operator');
  });

  test('asks for the plan first, then for what the plan has', async () => {
    const session = await signIn(api.app, api.keys.acme);
    const first = await session.get('/quote');
    expect(first.text).not.toContain('id="usage.');
    const second = await session.get('/quote?plan_code=studio');
    expect(second.text).toContain('id="usage.llm_tokens"');
    expect(second.text).not.toContain('id="price"');
  });

  test.each([
    ['a comma for a decimal point', 'usage.llm_tokens=1%2C5', 'LLM tokens|llm_tokens: expected'],
    ['a field that does not exist', 'start_on=2026-05-20', 'a field &quot;start_on&quot;'],
    ['a kind that no plan has', 'usage.llm_token=5', 'no plan has a resource kind'],
  ])('refuses typing errors: %s', async (_, query, message) => {
    const session = await signIn(api.app, api.keys.acme);
    const { status, text } = await session.get(`/quote?plan_code=studio&${query}`);
    expect(status).toBe(422);
    expect(text).toMatch(new RegExp(message));
    expect(text).not.toContain('id="price"');
  });

  test('shows errors next to their fields and keeps the input', async () => {
    const session = await signIn(api.app, api.keys.acme);
    const { status, text } = await session.get(
      '/quote?plan_code=studio&usage.llm_tokens=many&starts_on=2026-02-31',
    );
    expect(status).toBe(422);
    expect(text).toMatch(/role="alert" tabindex="-1" autofocus>.*href="#usage\.llm_tokens"/s);
    expect(text).toMatch(
      /id="usage\.llm_tokens" aria-describedby="[^"]*-mistake" aria-invalid="true"[^>]*value="many"/,
    );
    expect(text).toMatch(/id="starts_on-mistake">[^<]*2026-02-31/);
    expect(text).toContain('<title>Error: ');
  });
});
