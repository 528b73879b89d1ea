import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { apiDocument } from '../../src/api/routes/all-routes.ts';
import { startTestServer, type TestServer } from '../api/_server.ts';
import { expectAccessible } from './_axe.ts';
import { expectNoSidewaysScroll } from './_layout.ts';
import { LOOKS } from './_looks.ts';
import { takeScreenshot } from './_screenshot.ts';
import { test } from './_test.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Until Swagger UI has read the document. */
async function untilShown(page: Page): Promise<void> {
  await page.locator('.opblock').first().waitFor();
}

// That it asks no other host and violates no policy, `open` checks for each test.
describe('the API reference, /docs', () => {
  test.for(LOOKS)('can be read: $size, $scheme', async ({ size, scheme }, { open }) => {
    const page = await open(`${server.api.url}/docs`, { size, scheme });
    await untilShown(page);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await takeScreenshot(page, `docs-${size}-${scheme}`);
  });

  test('shows every operation and every webhook event', async ({ open }) => {
    const { paths, webhooks } = apiDocument();
    const summaries = [...Object.values(paths ?? {}), ...Object.values(webhooks ?? {})].flatMap(
      ({ get, post, put, patch, delete: remove }) =>
        [get, post, put, patch, remove].flatMap((operation) => operation?.summary ?? []),
    );
    const page = await open(`${server.api.url}/docs`);
    await untilShown(page);
    const shown = await page.locator('.opblock-summary-description').allTextContents();
    expect(shown.toSorted()).toEqual(summaries.toSorted());
  });

  test('shows the operations of a tag, and the introduction as Markdown', async ({ open }) => {
    const page = await open(`${server.api.url}/docs`);
    await untilShown(page);
    expect(await page.locator('.info h2:text-is("Common problems")').count()).toBe(1);
    expect(await page.locator('.info li code').count()).toBeGreaterThan(10);
    await page.fill('.operation-filter-input', 'Webhooks');
    await page.locator('#operations-tag-Usage').waitFor({ state: 'detached' });
    expect(await page.locator('.opblock-tag').allTextContents()).toEqual([
      expect.stringContaining('Webhooks'),
    ]);
  });

  test('opens an operation by its link, with its fields and problems', async ({ open }) => {
    const page = await open(`${server.api.url}/docs#/Usage/postLlmUsage`);
    const operation = page.locator('#operations-Usage-postLlmUsage');
    await operation.locator('.responses-wrapper').waitFor();
    expect(await operation.textContent()).toMatch(/gateway_request_id[^]*503/);
    await expectAccessible(page);
  });
});
