import { afterAll, beforeAll, describe, expect } from 'vitest';
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

describe('the API document, /docs', () => {
  test.for(LOOKS)('can be read: $size, $scheme', async ({ size, scheme }, { open }) => {
    const page = await open(`${server.api.url}/docs`, { size, scheme });
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await takeScreenshot(page, `docs-${size}-${scheme}`);
  });

  test('every link within the page leads somewhere', async ({ open }) => {
    const page = await open(`${server.api.url}/docs`);
    const targets = new Set(
      await page.evaluate<string[]>(
        '[...document.querySelectorAll("[id]")].map(({ id }) => `#${id}`)',
      ),
    );
    const hrefs = await page.evaluate<string[]>(
      `[...document.querySelectorAll('a[href^="#"]')].map((link) => link.getAttribute('href'))`,
    );
    expect(hrefs).not.toEqual([]);
    expect(hrefs.filter((href) => !targets.has(href))).toEqual([]);
  });
});
