import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createKey, revokeKey } from '../../src/db/access/api-keys.ts';
import { rotateKey } from '../../src/db/access/rotate-key.ts';
import {
  answerOperatorAction,
  insertOperatorAction,
  listOperatorActions,
  type NewOperatorAction,
} from '../../src/db/month-end/operator-actions.ts';
import { sql } from '../../src/db/sql.ts';
import { claimDeliveries, recordAttempts } from '../../src/db/webhooks/webhook-deliveries.ts';
import { disableWebhookEndpoint } from '../../src/db/webhooks/webhook-endpoints.ts';
import { deliveriesOf, register } from '../webhooks/_receiving.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

const WEBHOOKS = '/operator/webhooks';
const URL_ = 'https://receiver.example/hooks';

let api: TestApi;
let operator: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  operator = await signIn(api.app, api.keys.operator);
});
afterAll(() => api[Symbol.asyncDispose]());

/** Writes events to the outbox of an endpoint, in one transaction. @returns their ids */
function tellMany(endpointId: string, type: string, tenantId: string | null, count: number) {
  return api.db.anyFirst(sql.type(z.object({ id: z.string() }))`
    WITH told AS (
      INSERT INTO webhook_events (type, tenant_id, data)
      SELECT ${type}, ${tenantId}::text, '{"number": "acme-000001"}'
      FROM generate_series(1, ${count}::int) RETURNING event_id
    )
    INSERT INTO webhook_deliveries (event_id, endpoint_id)
    SELECT event_id, ${endpointId} FROM told RETURNING event_id AS id
  `);
}

async function tell(endpointId: string, type: string, tenantId: string | null): Promise<string> {
  const [id] = await tellMany(endpointId, type, tenantId, 1);
  return id!;
}

/** Attempts what is due once: delivers it, or gives it up. */
async function attemptAll(endpointId: string, outcome: 'delivered' | 'failed') {
  const claimed = await claimDeliveries(api.db, endpointId, { limit: 1000, leaseSeconds: 60 });
  const attempts = claimed.map(({ eventId, attempt }) => ({
    ...{ eventId, attempt, attemptedAt: new Date().toISOString(), durationMs: 12, retryInMs: null },
    ...(outcome === 'delivered'
      ? ({ outcome, status: 204, error: null, response: '' } as const)
      : ({ outcome, status: 500, error: 'answered 500', response: '<b>broken</b>' } as const)),
  }));
  await recordAttempts(api.db, endpointId, attempts);
}

/** The hidden fields of the form that changes something, as a browser sends them. */
async function hiddenFields(path: string): Promise<Record<string, string>> {
  const { text } = await operator.get(path);
  const form = text.slice(text.indexOf('<form class="sheet"'));
  return Object.fromEntries(
    [...form.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
      name!,
      value!,
    ]),
  );
}

/** The event types in a list of deliveries. */
const typesIn = (text: string) =>
  [...text.matchAll(/webhooks\/events\/[\w-]+">([\w.]+)</g)].map(([, type]) => type);

const latest = async () => (await listOperatorActions(api.db, {}, { after: null, limit: 1 }))[0];

describe('webhooks', () => {
  let endpointId: string;
  let dead: string;
  let accepted: string;
  beforeAll(async () => {
    ({ endpointId } = await register(api.db));
    dead = await tell(endpointId, 'invoice.issued', 'acme');
    await attemptAll(endpointId, 'failed');
    accepted = await tell(endpointId, 'tenant.parked', 'zeta');
    await attemptAll(endpointId, 'delivered');
    await tell(endpointId, 'run.finished', null);
  });

  test('are listed with the state of each endpoint and delivery', async () => {
    const { status, text } = await operator.get(WEBHOOKS);
    expect(status).toBe(200);
    expect(text).toContain(
      `href="${WEBHOOKS}?endpoint_id=${endpointId}&amp;state=dead#deliveries"`,
    );
    expect(text).toContain('1 delivered, 1 failed');
    expect(text).toMatch(/answered 500<span class="sub date">/);
    expect(text).toContain('<a class="id" href="/operator/tenants/acme">acme</a>');
    expect(typesIn(text)).toEqual(['run.finished', 'tenant.parked', 'invoice.issued']);
  });

  test.each([
    ['tenant_id=acme', ['invoice.issued']],
    ['type=tenant.parked', ['tenant.parked']],
    ['state=pending', ['run.finished']],
    ['state=dead', ['invoice.issued']],
    ['state=delivered&tenant_id=acme', []],
    ['tenant_id=nobody', []],
  ])('are filtered: %s', async (query, types) => {
    const { text } = await operator.get(`${WEBHOOKS}?${query}`);
    expect(typesIn(text)).toEqual(types);
    if (types.length === 0) expect(text).toContain('No deliveries match.');
  });

  test('are paged, each delivery once', async () => {
    const other = await register(api.db, `${URL_}/paged`);
    // All at the same instant.
    const told = new Set(await tellMany(other.endpointId, 'invoice.paid', 'acme', 120));
    let path: string | undefined = `${WEBHOOKS}?endpoint_id=${other.endpointId}`;
    const seen: string[] = [];
    for (let pages = 0; path !== undefined; pages += 1) {
      expect(pages).toBeLessThan(4);
      const { text }: { text: string } = await operator.get(path);
      seen.push(...[...text.matchAll(/webhooks\/events\/([\w-]+)"/g)].map(([, id]) => id!));
      path = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen).toHaveLength(told.size);
    expect(new Set(seen)).toEqual(told);
    await disableWebhookEndpoint(api.db, other.endpointId, 'a test');
  });

  test('an event shows its data, deliveries, attempts and answers, as text', async () => {
    const { text } = await operator.get(`${WEBHOOKS}/events/${dead}`);
    expect(text).toContain('<h1>invoice.issued</h1>');
    expect(text).toContain('&quot;number&quot;: &quot;acme-000001&quot;');
    expect(text).toContain('&lt;b&gt;broken&lt;/b&gt;');
    expect(text).toContain('given up');
    const unknown = await operator.get(`${WEBHOOKS}/events/${crypto.randomUUID()}`);
    expect(unknown.status).toBe(404);
  });

  test('replaying says first what will happen', async () => {
    const { text } = await operator.get(
      `${WEBHOOKS}/replay?event_id=${accepted}&endpoint_id=${endpointId}`,
    );
    expect(text).toContain('1 delivery that was already accepted will be sent again');
    const all = await operator.get(`${WEBHOOKS}/replay?endpoint_id=${endpointId}`);
    expect(all.text).toContain('1 delivery that was given up will be attempted again');
    const later = await operator.get(
      `${WEBHOOKS}/replay?endpoint_id=${endpointId}&since=2199-01-01`,
    );
    expect(later.text).toContain('was given up since 1\u00a0January 2199');
    expect(later.text).not.toContain('>Replay</button>');
  });

  test('replaying needs an event or an endpoint that exists', async () => {
    const statusOf = async (query: string) =>
      (await operator.get(`${WEBHOOKS}/replay?${query}`)).status;
    expect(await statusOf('')).toBe(422);
    expect(await statusOf(`event_id=${crypto.randomUUID()}`)).toBe(404);
    expect(await statusOf(`endpoint_id=${crypto.randomUUID()}`)).toBe(404);
    expect(await statusOf(`endpoint_id=${endpointId}&since=2026-02-30`)).toBe(422);
  });

  test('a replay is on record, and a second click changes nothing', async () => {
    const path = `${WEBHOOKS}/replay`;
    const fields = await hiddenFields(`${path}?endpoint_id=${endpointId}`);
    const answer = await operator.post(path, fields);
    expect(answer.status).toBe(303);
    const { location = '' } = answer.headers as Record<string, string>;
    expect(location).toBe(`${WEBHOOKS}?endpoint_id=${endpointId}&done=replayed`);
    expect((await operator.get(location)).text).toContain('Replayed. The deliveries are pending');
    expect(await latest()).toMatchObject({
      action: 'postWebhookReplay',
      actor: 'key:ops',
      outcome: 'done',
      input: { endpoint_id: endpointId, dead_only: true },
    });
    const states = await deliveriesOf(api.db, endpointId);
    expect(states).toContainEqual({ eventId: dead, state: 'pending', attempts: 0 });
    expect(states).toContainEqual({ eventId: accepted, state: 'delivered', attempts: 1 });

    const before = (await latest())?.action_id;
    expect((await operator.post(path, fields)).status).toBe(303);
    expect((await latest())?.action_id).toBe(before);
  });

  test('a replay is confirmed again if the deliveries have changed', async () => {
    const path = `${WEBHOOKS}/replay`;
    const eventId = await tell(endpointId, 'invoice.voided', 'acme');
    const fields = await hiddenFields(`${path}?event_id=${eventId}`);
    await attemptAll(endpointId, 'delivered');
    const changed = await operator.post(path, fields);
    expect(changed.status).toBe(422);
    expect(changed.text).toContain('have changed since this page was loaded');
    const again = await operator.post(path, await hiddenFields(`${path}?event_id=${eventId}`));
    expect(again.status).toBe(303);
    expect(again.headers.location).toBe(`${WEBHOOKS}/events/${eventId}?done=replayed`);
    await attemptAll(endpointId, 'delivered');
    expect((await operator.get(`${WEBHOOKS}/events/${eventId}`)).text).toContain('204');
  });

  test('a disabled endpoint receives nothing', async () => {
    const gone = await register(api.db, `${URL_}/gone`);
    const eventId = await tell(gone.endpointId, 'invoice.paid', 'acme');
    await disableWebhookEndpoint(api.db, gone.endpointId, 'by key:ops');
    const { text } = await operator.get(
      `${WEBHOOKS}/replay?event_id=${eventId}&endpoint_id=${gone.endpointId}`,
    );
    expect(text).toContain('this endpoint is disabled and receives nothing');
    const list = await operator.get(WEBHOOKS);
    expect(list.text).toMatch(/disabled<\/span><span class="sub">[^<]*by key:ops/);
  });
});

describe('API keys', () => {
  const KEYS = '/operator/keys';

  test('are listed with label, scope, last use, expiry and state, never the key itself', async () => {
    const { db } = api;
    const now = new Date();
    const soon = new Date(now.getTime() + 3 * 86_400_000);
    const expiring = await createKey(db, {
      label: 'soon over',
      scope: 'metering',
      expiresAt: soon,
    });
    const old = await createKey(db, { label: 'rotated', scope: 'tenant', tenantId: 'zeta' });
    const options = { keyId: old.keyId, overlapMs: 0, now, canSign: false };
    await rotateKey(db, options);
    const revoked = await createKey(db, { label: 'leaver', scope: 'operator' });
    await revokeKey(db, revoked.keyId);

    const { text } = await operator.get(KEYS);
    expect(text).toContain('keys revoke KEY_ID');
    for (const { plainKey } of [expiring, old, revoked]) expect(text).not.toContain(plainKey);
    expect(text).toContain('<a class="id" href="/operator/tenants/zeta">zeta</a>');
    const labelsOf = async (query: string) => {
      const { text: html } = await operator.get(`${KEYS}?${query}`);
      return [...html.matchAll(/<th scope="row"[^>]*>([^<]*)</g)].map(([, label]) => label);
    };
    expect(await labelsOf('state=expiring')).toEqual(['soon over']);
    expect(await labelsOf('state=revoked')).toEqual(['leaver']);
    expect(await labelsOf('state=expired')).toEqual(['rotated']);
    expect(await labelsOf('tenant_id=zeta')).toEqual(['rotated', 'rotated', 'zeta']);
    expect(await labelsOf('scope=gateway')).toEqual(['gateway']);
    expect(await labelsOf('tenant_id=nobody')).toEqual([]);
  });

  test('are paged, newest first', async () => {
    for (let number = 0; number < 101; number += 1) {
      await createKey(api.db, { label: `gateway ${number}`, scope: 'gateway' });
    }
    const first = await operator.get(`${KEYS}?scope=gateway`);
    expect(first.text).toContain('>gateway 100<');
    const next = /href="([^"]+)" rel="next"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await operator.get(next);
    const rows = [...second.text.matchAll(/<th scope="row"[^>]*>([^<]*)</g)];
    expect(rows.map(([, label]) => label)).toEqual(['gateway 0', 'gateway']);
  });
});

describe('the audit log', () => {
  const AUDIT = '/operator/audit';
  const ACTION: NewOperatorAction = {
    actor: 'cli:<anna>',
    keyId: null,
    channel: 'cli',
    action: 'month-end.force',
    target: { month: '2026-05' },
    input: { tenant: ['acme', 'zeta'], reason: '<i>late</i> usage' },
    requestId: null,
  };

  test('shows actor, action, target, tenants, reason and outcome, with links', async () => {
    const id = await insertOperatorAction(api.db, ACTION);
    await answerOperatorAction(api.db, id, { outcome: 'refused', status: 1, detail: 'not over' });
    const { text } = await operator.get(AUDIT);
    expect(text).toContain('cli:&lt;anna&gt;');
    expect(text).toContain('<a href="/operator/months/2026-05">2026-05</a>');
    expect(text).toContain('<a class="id" href="/operator/tenants/zeta">zeta</a>');
    expect(text).toContain('&lt;i&gt;late&lt;/i&gt; usage');
    expect(text).toMatch(/refused<\/span><span class="sub">not over/);
    const shown = await operator.get(`${AUDIT}/${id}`);
    expect(shown.text).toContain('<h1>month-end.force</h1>');
    expect(shown.text).toContain('<dt>Exit code</dt><dd>1</dd>');
    expect(shown.text).toContain('&quot;reason&quot;: &quot;&lt;i&gt;late&lt;/i&gt; usage&quot;');
  });

  test('is filtered by actor, action, tenant, outcome and day', async () => {
    const actor = 'cli:filtered';
    const input = { tenant: 'acme' };
    await insertOperatorAction(api.db, { ...ACTION, actor, input, action: 'items.add' });
    const rowsOf = async (query: string) => {
      const { text } = await operator.get(`${AUDIT}?actor=${actor}&${query}`);
      return [...text.matchAll(/operator\/audit\/\d+/g)].length;
    };
    expect(await rowsOf('')).toBe(1);
    expect(await rowsOf('tenant_id=acme&action=items.add&since=2026-01-01&outcome=')).toBe(1);
    expect(await rowsOf('tenant_id=zeta')).toBe(0);
    expect(await rowsOf('action=items.withdraw')).toBe(0);
    expect(await rowsOf('outcome=done')).toBe(0);
    expect(await rowsOf('since=2199-01-01')).toBe(0);
    expect((await operator.get(`${AUDIT}?since=2026-02-30`)).status).toBe(422);
  });

  test('explains an action without an outcome, and input that is too long to keep', async () => {
    const input = { reason: 'x'.repeat(9000) };
    const id = await insertOperatorAction(api.db, { ...ACTION, input });
    const { text } = await operator.get(`${AUDIT}/${id}`);
    expect(text).toContain('it is running, or its process died');
    expect(text).toMatch(/Only its digest is kept, because it has 9,0\d\d bytes/);
    expect((await operator.get(`${AUDIT}/999999`)).status).toBe(404);
    expect((await operator.get(`${AUDIT}/x`)).status).toBe(422);
  });
});
