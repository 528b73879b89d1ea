import { join } from 'node:path';
import type { Page } from 'playwright-core';

const FOLDER = join(import.meta.dirname, '..', '..', '.local', 'screenshots');

/**
 * Takes a picture of the whole page, to be looked at: `.local/screenshots/NAME.png`.
 * @returns its path
 */
export async function takeScreenshot(page: Page, name: string): Promise<string> {
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  return path;
}
