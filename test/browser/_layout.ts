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

/** Fails if the page needs sideways scrolling, breaks a number across lines, or hides a cell of a table. */
export async function expectFits(page: Page): Promise<void> {
  await expectNoSidewaysScroll(page);
  expect(await page.evaluate<string[]>(LIST_FAULTS)).toEqual([]);
}

/** Numbers by themselves; digits within ids may break. Closed details and hidden text for screen readers don't count. */
const LIST_FAULTS = String.raw`(() => {
  const faults = [];
  const isUnseen = (element) => element.closest('details:not([open]) > :not(summary), .heard') !== null;
  for (const cell of document.querySelectorAll('td, tbody th, tfoot th')) {
    const text = cell.textContent.trim();
    if (text !== '' && !isUnseen(cell) && cell.getClientRects().length === 0) {
      faults.push('a cell is hidden: ' + text);
    }
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (isUnseen(node.parentElement)) continue;
    for (const { 0: number, index } of node.data.matchAll(/(?<=^|[\s(+−])\d[\d,]*(?:\.\d+)?(?=$|[\s%),;])/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + number.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) faults.push('a number breaks: ' + number);
    }
  }
  return faults;
})()`;
