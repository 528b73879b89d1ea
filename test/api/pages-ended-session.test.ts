import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { listItems } from '../../src/db/invoices/item-views.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { cookieOf, formOf, postForm, SAME_ORIGIN, signIn } from './_pages.ts';

/** A form that says first what will happen. */
const PATH = '/operator/items/new';
/** One that doesn't. */
const DIRECT = '/operator/quarantine/dismiss';
const TYPED = {
  item_id: 'workshop-7',
  tenant_id: 'acme',
  month: '2026-07',
  description: 'A workshop & <b>lunch</b>',
  amount: '250.00',
  taxable: 'true',
};

let api: TestApi;
/** Of an operator's earlier session, as the form's page has it. */
let formToken: string;
beforeAll(async () => {
  api = await createTestApi();
  formToken = await (await signIn(api.app, api.keys.operator)).formToken();
});
afterAll(() => api[Symbol.asyncDispose]());

const typed = () => ({ ...TYPED, form_token: formToken });
const recorded = async () =>
  (await listItems(api.db, {}, { limit: 10, after: null })).map(({ description }) => description);
/** The hidden fields of a page's form. */
const hiddenIn = (html: string, action: string) => {
  const [form = ''] = new RegExp(`<form[^>]*action="${action}".*?</form>`, 's').exec(html) ?? [];
  const fields = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name!, decode(value!)]));
};
const decode = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

describe('a form without a session', () => {
  test('is kept through a failed sign-in, shown to its visitor, and sent by a click', async () => {
    const asked = await postForm(api.app, PATH, typed());
    expect(asked.status).toBe(401);
    expect(asked.text).toContain('Your session has ended, so nothing was sent');
    const carried = hiddenIn(asked.text, '/sign-in');
    expect(carried.then).toBe(PATH);

    const mistyped = await postForm(api.app, '/sign-in', { ...carried, key: 'arc_operator_x' });
    expect(mistyped.status).toBe(401);
    expect(hiddenIn(mistyped.text, '/sign-in')).toEqual(carried);

    const shown = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('Nothing has been done yet');
    expect(await recorded()).toEqual([]);

    const fields = formOf(shown);
    const typedAgain = Object.entries(TYPED).map(([name, value]) => [name, [value]]);
    expect(fields).toMatchObject(Object.fromEntries(typedAgain));
    expect(fields.form_token).not.toEqual([formToken]);
    const headers = { ...SAME_ORIGIN, Cookie: cookieOf(shown) };
    const sent = await postForm(api.app, PATH, fields, headers);
    expect(sent.status).toBe(303);
    expect(await recorded()).toEqual([TYPED.description]);
  });

  test('is shown again even if everything in it was confirmed', async () => {
    const before = await recorded();
    const session = await signIn(api.app, api.keys.operator);
    const foreseen = await session.fill(PATH, { ...TYPED, item_id: 'workshop-9' });
    const confirmed = { ...formOf(foreseen), confirmed: 'true' };
    const carried = hiddenIn((await postForm(api.app, PATH, confirmed)).text, '/sign-in');
    const shown = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(shown.text).toContain('Nothing has been done yet');
    expect(await recorded()).toEqual(before);
  });

  test('that would do its work at once is shown as a table, with a button', async () => {
    const entered = { quarantine_id: '77', dismiss_reason: 'a <b>test</b>', form_token: formToken };
    const carried = hiddenIn((await postForm(api.app, DIRECT, entered)).text, '/sign-in');
    const shown = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(shown.text).toContain('a &lt;b&gt;test&lt;/b&gt;</td>');
    expect(hiddenIn(shown.text, DIRECT)).toMatchObject({ quarantine_id: '77' });
    expect(cookieOf(shown)).not.toBe('');
  });

  test('about something that is gone is shown as a table', async () => {
    const gone = `/operator/invoices/${crypto.randomUUID()}/pay`;
    const entered = { amount: '12.34', form_token: formToken };
    const carried = hiddenIn((await postForm(api.app, gone, entered)).text, '/sign-in');
    const shown = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(shown.text).toContain('12.34</td>');
    expect(cookieOf(shown)).not.toBe('');
  });

  test.each(['another operator', 'a tenant'])('is not shown to %s', async (who) => {
    const { plainKey } = await createKey(api.db, { label: who, scope: 'operator' });
    const key = who === 'a tenant' ? api.keys.acme : plainKey;
    const carried = hiddenIn((await postForm(api.app, PATH, typed())).text, '/sign-in');
    const answer = await postForm(api.app, '/sign-in', { ...carried, key });
    expect(answer.text).toContain('does not belong to a session of this key');
    expect(answer.text).not.toContain('workshop');
    expect(answer.headers['set-cookie']).toBeDefined();
  });

  test.each(['https://evil.example/operator', '/api/v1/invoices', '/tenant/thresholds'])(
    'is never sent to %s',
    async (then) => {
      const kept = new URLSearchParams(typed()).toString();
      const form = { then, kept, key: api.keys.operator };
      const answer = await postForm(api.app, '/sign-in', form);
      expect(answer.text).toContain('Nothing was sent');
      expect(answer.text).not.toContain(then);
    },
  );

  test('is not kept if it is too large, and the sign-in page says so', async () => {
    const largest = { ...typed(), description: 'x'.repeat(40_000) };
    const kept = await postForm(api.app, DIRECT, largest);
    const carried = hiddenIn(kept.text, '/sign-in');
    const shown = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(hiddenIn(shown.text, DIRECT)).toMatchObject({ description: largest.description });

    const tooLarge = await postForm(api.app, PATH, { ...typed(), description: 'x'.repeat(41_000) });
    expect(tooLarge.status).toBe(401);
    expect(tooLarge.text).toContain('too large to be kept');
    expect(hiddenIn(tooLarge.text, '/sign-in')).toEqual({ then: '' });
  });

  test('fits into the sign-in form, whatever was typed', async () => {
    const worst = { ...typed(), description: 'ü'.repeat(6600) };
    const carried = hiddenIn((await postForm(api.app, DIRECT, worst)).text, '/sign-in');
    expect(carried.kept).toBeDefined();
    const shown = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(shown.status).toBe(200);
  });

  test('is rejected from another site, without repeating it', async () => {
    const answer = await postForm(api.app, PATH, typed(), { 'Sec-Fetch-Site': 'cross-site' });
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain('workshop');
  });

  test('without fields leads to the start page after sign-in', async () => {
    const carried = hiddenIn((await postForm(api.app, PATH, {})).text, '/sign-in');
    const answer = await postForm(api.app, '/sign-in', { ...carried, key: api.keys.operator });
    expect(answer.headers.location).toBe('/operator/months');
  });
});

describe('a form of an earlier session', () => {
  test('is shown to its visitor, who has signed in since, and not sent', async () => {
    const before = await recorded();
    const session = await signIn(api.app, api.keys.operator);
    const answer = await session.post(PATH, { ...typed(), item_id: 'workshop-8' });
    expect(formOf(answer)).toMatchObject({ item_id: ['workshop-8'] });
    expect(await recorded()).toEqual(before);
    const direct = await session.post(DIRECT, { ...typed(), quarantine_id: '78' });
    expect(hiddenIn(direct.text, DIRECT)).toMatchObject({ quarantine_id: '78' });
  });

  test('is rejected if it belongs to another key', async () => {
    const { plainKey } = await createKey(api.db, { label: 'colleague', scope: 'operator' });
    const session = await signIn(api.app, plainKey);
    const answer = await session.post(PATH, typed());
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain('workshop');
    expect(answer.text).toContain('Nothing was changed. Open the form again');
  });
});

describe('an error page', () => {
  test.each([
    ['/operator/nowhere', 404, 'There is no page at this address.'],
    ['/operator/invoices/nothing', 404, 'There is no such invoice.'],
    ['/operator/months/2026-13', 422, 'Month: '],
    ['/tenant', 403, 'This needs a key with the scope tenant, not operator.'],
    ['/sign-out', 405, 'This path supports POST.'],
  ])('keeps the visitor signed in: %s', async (path, status, sentence) => {
    const session = await signIn(api.app, api.keys.operator);
    const answer = await session.get(path);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(sentence);
    expect(answer.text).toContain('<a href="/operator/months">Months</a>');
    expect(answer.text).toContain('<span class="who">ops</span>');
    expect(answer.text).not.toContain('API key');
  });

  test('says when to try again', async () => {
    const app = createApp({ ...api.deps, config: { ...api.deps.config, requestsPerMinute: 1 } });
    const session = await signIn(app, api.keys.operator);
    await session.get('/operator/months');
    const { status, text } = await session.get('/operator/months');
    expect(status).toBe(429);
    expect(text).toMatch(/Wait a moment, then reload this page\. You can try again in \d+ s\./);
    expect(text).toContain('<span class="who">ops</span>');
    const form = await session.post(PATH, { form_token: 'x', ...TYPED });
    expect(form.status).toBe(429);
    expect(form.text).toContain('Nothing was changed.');
  });
});
