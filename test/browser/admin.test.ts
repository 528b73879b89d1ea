import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createKey, revokeKey } from '../../src/db/access/api-keys.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { claimDeliveries, recordAttempts } from '../../src/db/webhooks/webhook-deliveries.ts';
import { seedTenant } from '../_util/seed.ts';
import { putEvent, register } from '../webhooks/_receiving.ts';
import { expectAccessible } from './_axe.ts';
import { expectNoSidewaysScroll } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { startBrowserStack, type BrowserStack } from './_stack.ts';
import { test } from './_test.ts';

let stack: BrowserStack;
let endpointId: string;
beforeAll(async () => {
  stack = await startBrowserStack();
  const { db } = stack.world;
  await seedTenant(db, 'acme');
  ({ endpointId } = await register(db, 'https://receiver.example/a-rather-long-path/to/the/hooks'));
  const leaver = await createKey(db, { label: 'leaver', scope: 'operator' });
  await revokeKey(db, leaver.keyId);
  await createKey(db, { label: "Acme's portal", scope: 'tenant', tenantId: 'acme' });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Puts an event into the outbox whose only attempt failed. @returns its id */
async function giveUpEvent(): Promise<string> {
  const { db } = stack.world;
  const eventId = await putEvent(db, endpointId, { number: 'acme-000001', note: 'x'.repeat(200) });
  await claimDeliveries(db, endpointId, { limit: 100, leaseSeconds: 600 });
  await recordAttempts(db, endpointId, [
    {
      ...{ eventId, attempt: 1, attemptedAt: new Date().toISOString(), durationMs: 1234 },
      ...{ outcome: 'failed', status: 503, error: 'answered 503' },
      ...{ response: `<h1>down</h1>${'y'.repeat(200)}`, retryInMs: null },
    },
  ]);
  return eventId;
}

async function signIn(page: Page): Promise<void> {
  await page.fill('#key', stack.operatorKey);
  await page.click('form.sheet button');
  await page.waitForSelector('.sign-out');
}

describe('from sign-in to a replayed event and its record', () => {
  test.for(LOOKS)('$size, $scheme', async ({ size, scheme }, { open }) => {
    const eventId = await giveUpEvent();
    const page = await open(`${stack.apiUrl}/sign-in`, { size, scheme });
    const look = async (name: string) => {
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      await takeScreenshot(page, `admin-${name}-${size}-${scheme}`);
    };
    await signIn(page);
    await page.click('nav >> text="Webhooks"');
    await page.waitForSelector('h1:text-is("Webhooks")');
    await look('webhooks');
    await page.selectOption('#state', 'dead');
    await page.click('.filter button');
    await page.click(`a[href="/operator/webhooks/events/${eventId}"]`);
    await page.waitForSelector('text=answered 503');
    await look('event');
    await page.click('a:has-text("Replay")');
    await page.waitForSelector('text=1 delivery that was given up will be attempted again.');
    await look('replay');
    await page.click('.sheet button');
    await page.waitForSelector('text=Replayed. The deliveries are pending');
    await look('replayed');

    await page.click('nav >> text="Audit log"');
    await page.waitForSelector('text=postWebhookReplay');
    await look('audit');
    await page.click('a:has-text("postWebhookReplay") >> nth=0');
    await page.waitForSelector('text=key:ops, API or pages');
    await look('action');
    const [action] = await listOperatorActions(stack.world.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({ input: { event_id: eventId }, outcome: 'done' });

    await page.click('nav >> text="Keys"');
    await page.waitForSelector('text=keys revoke KEY_ID');
    await page.selectOption('#state', 'revoked');
    await page.click('.filter button');
    await page.waitForSelector('text=leaver');
    expect(await page.locator('tbody tr').count()).toBe(1);
    await page.selectOption('#state', '');
    await page.click('.filter button');
    await page.waitForSelector("text=Acme's portal");
    await look('keys');
  });
});
