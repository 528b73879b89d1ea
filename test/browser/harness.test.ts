import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser } from 'playwright-core';
import { expectAccessible, listBarriers } from './_axe.ts';
import { launchBrowser } from './_launch.ts';
import { expectFits } from './_layout.ts';
import { watchPages } from './_watch.ts';

/** What the checks are there to find; a check that finds nothing would let everything pass. */
const BAD_PAGES: Readonly<Record<string, string>> = {
  '/other-host': '<img src="http://other.invalid/x.png" alt="">',
  '/inline-script': '<script>document.title = "ran"</script>',
  '/throws': '<script src="/throws.js"></script>',
  '/unlabelled': '<main><input></main>',
  '/wide': '<div style="width: 5000px">wide</div>',
  '/broken-number': '<p style="width: 3em; overflow-wrap: anywhere">AUD 2,466,267.75</p>',
  '/hidden-cell': '<table><tbody><tr><td style="display: none">5 GB</td></tr></tbody></table>',
};
const GOOD_PAGE = '<main><h1>Good</h1></main>';

let server: Server;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/throws.js') {
      response.setHeader('Content-Type', 'text/javascript').end('throw new Error("thrown")');
      return;
    }
    const body = BAD_PAGES[request.url ?? ''] ?? GOOD_PAGE;
    response
      .setHeader('Content-Type', 'text/html')
      .setHeader('Content-Security-Policy', "script-src 'self'")
      .end(`<!doctype html><html lang="en"><title>a page</title>${body}</html>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
});

async function visit(path: string) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const problems = watchPages(context, new Set([origin]), () => false);
  const page = await context.newPage();
  await page.goto(`${origin}${path}`);
  return { page, problems };
}

describe('what the browser tests notice', () => {
  test.for([
    ['/other-host', /asked another host: GET http:\/\/other\.invalid/],
    ['/inline-script', /logged an error: .*Content Security Policy/],
    ['/throws', /threw: thrown/],
  ] as const)('%s is a problem', async ([path, problem]) => {
    const { problems } = await visit(path);
    expect(problems).toContainEqual(expect.stringMatching(problem));
  });

  test('an input without a label', async () => {
    const { page } = await visit('/unlabelled');
    expect(await listBarriers(page)).toEqual([expect.stringMatching(/must have labels/)]);
  });

  test('a page wider than its window', async () => {
    const { page } = await visit('/wide');
    await expect(expectFits(page)).rejects.toThrow(/width of the page/);
  });

  test.for([
    ['/broken-number', /a number breaks: 2,466,267\.75/],
    ['/hidden-cell', /a cell is hidden: 5 GB/],
  ] as const)('%s', async ([path, fault]) => {
    const { page } = await visit(path);
    await expect(expectFits(page)).rejects.toThrow(fault);
  });

  test('a good page has no problem, also while axe looks at it', async () => {
    const { page, problems } = await visit('/good');
    await expectAccessible(page);
    await expectFits(page);
    expect(problems).toEqual([]);
  });
});
