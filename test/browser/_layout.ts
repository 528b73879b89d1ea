import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/**
 * Fails where the page is wider than its window, so that one has to scroll it sideways to read it.
 * (What scrolls within itself, such as a wide table in a frame of its own, is fine.)
 */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const widths = await page.evaluate<{ clientWidth: number; scrollWidth: number }>(
    '(({ clientWidth, scrollWidth }) => ({ clientWidth, scrollWidth }))(document.documentElement)',
  );
  expect(widths.scrollWidth, 'the width of the page').toBeLessThanOrEqual(widths.clientWidth);
}
