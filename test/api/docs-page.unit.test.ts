import { expect, test } from 'vitest';
import { docsPage } from '../../src/api/openapi/docs-page.ts';
import { apiDocument } from '../../src/api/routes/all-routes.ts';
import { webhookBody } from '../../src/api/openapi/webhook-events.ts';
import { WEBHOOK_EVENT_TYPES } from '../../src/contracts/webhook-types.ts';

const PAGE = docsPage(apiDocument());

/** As a browser shows it. */
const unescaped = (html: string) =>
  html.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ENTITIES[name] ?? '?');
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  amp: '&',
};

test.each(WEBHOOK_EVENT_TYPES)('shows %s as the request that receivers get', (type) => {
  const id = `on${type.replaceAll(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase())}`;
  expect(PAGE).toContain(`<a href="#${id}">`);
  const [, section = ''] = PAGE.split(`<h3 id="${id}">`);
  const [, request = ''] = /<pre>(POST .*?)<\/pre>/s.exec(section) ?? [];
  const [head = '', body = ''] = unescaped(request).split('\n\n');
  expect(head.split('\n').map((line) => line.split(/[: ]/)[0])).toEqual([
    'POST',
    'content-type',
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
  ]);
  expect(head).toMatch(/^webhook-signature: v1,\S+=$/m);
  expect(webhookBody(type).parse(JSON.parse(body))).toMatchObject({ type });
});

test('says how an event is verified', () => {
  expect(PAGE).toContain('<h2>Webhook events</h2>');
  expect(PAGE).toMatch(/HMAC-SHA256/);
});
