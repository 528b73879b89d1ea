import type { Page } from 'playwright-core';
import { until } from '../_util/until.ts';

/** What operators do in Temporal's Web UI (2.42), by what they see of it. */

/** Where the list of workflows has this filter. */
export function filteredBy(workflowsUrl: string, query: string): string {
  return `${workflowsUrl}?query=${encodeURIComponent(query)}`;
}

/** Waits for a text of the tab User Metadata: its Markdown stands in frames of their own. */
export async function untilShown(page: Page, text: RegExp): Promise<void> {
  const read = () => Promise.all(page.frames().map((frame) => frame.locator('body').innerText()));
  await until(read, (frames) => frames.some((frame) => text.test(frame)), 20_000);
}

/** The tab with summary, details and current details. */
export async function openUserMetadata(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'User Metadata' }).click();
  await page.getByRole('heading', { name: 'Current Details' }).waitFor();
}
