import type { Page } from 'playwright-core';
import { expect, test as base } from 'vitest';
import { launchBrowser } from './_launch.ts';
import { contextOptions, type Look } from './_looks.ts';
import { watchPages } from './_watch.ts';

export interface OpenOptions extends Look {
  /** Origins that the page may ask besides its own. */
  readonly alsoFrom?: readonly string[];
  /** Errors that the test provokes, such as the 404 that it opens. */
  readonly expected?: RegExp;
}

type Open = (url: string, options?: OpenOptions) => Promise<Page>;

/**
 * A test with a browser. `open` opens a page as a visitor of its own, with no cookie; the test
 * fails at its end where any of its pages asked another host for something or logged an error.
 */
export const test = base
  // eslint-disable-next-line no-empty-pattern -- vitest reads from the pattern which fixtures are wanted
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }) => {
    const browser = await launchBrowser();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('open', ({ browser }, { onCleanup }): Open => {
    const visits: { close(): Promise<void>; readonly problems: readonly string[] }[] = [];
    onCleanup(async () => {
      await Promise.all(visits.map((visit) => visit.close()));
      expect(visits.flatMap(({ problems }) => problems)).toEqual([]);
    });
    return async (url, { alsoFrom = [], expected, ...look } = {}) => {
      const context = await browser.newContext(contextOptions(look));
      const origins = new Set([new URL(url).origin, ...alsoFrom]);
      const problems = watchPages(context, origins, (text) => expected?.test(text) ?? false);
      visits.push({ problems, close: () => context.close() });
      const page = await context.newPage();
      await page.goto(url);
      return page;
    };
  });
