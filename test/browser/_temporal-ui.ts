import type { Locator, Page } from 'playwright-core';
import { until } from '../_util/until.ts';

/** What operators do in Temporal's Web UI (2.42), by what they see of it. */

/** Opens the dialog for a signal on a workflow's page, and fills it in. */
export async function fillInSignal(page: Page, name: string, data: string): Promise<Locator> {
  await page.getByRole('button', { name: 'More Actions' }).click();
  await page.getByRole('menuitem', { name: 'Send a Signal' }).click();
  const dialog = page.getByRole('dialog', { name: 'Send a Signal' });
  await dialog.getByTestId('signal-select-button').click();
  await dialog
    .getByRole('option')
    .filter({ hasText: new RegExp(`^\\s*${name}\\b`) })
    .click();
  const editor = dialog.locator('[contenteditable="true"]');
  await editor.focus();
  // As it is pasted: an editor that closes brackets by itself must not add to it.
  await page.keyboard.insertText(data);
  // The editor hands its text over when it is left.
  await editor.blur();
  return dialog;
}

/** Submits the dialog, and waits until it is closed: the signal was sent. */
export async function submitSignal(dialog: Locator): Promise<void> {
  await dialog.getByRole('button', { name: 'Submit' }).click();
  await dialog.waitFor({ state: 'hidden' });
}

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

/** Waits until the frames of the tab User Metadata are as high as the Web UI makes them, after their text is there. */
export async function untilFramesFit(page: Page): Promise<void> {
  const haveHeights = `[...document.querySelectorAll('iframe')].every((frame) => frame.hasAttribute('height'))`;
  await until(() => page.evaluate<boolean>(haveHeights), Boolean, 20_000);
}

/** The texts of the tab User Metadata that end below their frame, where they are not visible. */
export async function listCutOff(page: Page): Promise<readonly string[]> {
  await untilFramesFit(page);
  return page.evaluate<string[]>(`[...document.querySelectorAll('iframe')].flatMap((frame) =>
    [...frame.contentDocument.querySelectorAll('main > *')]
      .filter((block) => block.getBoundingClientRect().bottom > frame.clientHeight)
      .map((block) => block.textContent.trim())
      .filter((text) => text !== ''))`);
}
