import { chromium, type Browser } from 'playwright-core';
import { HOW_TO_GET_CHROMIUM, findChromium } from '../../scripts/lib/chromium.mjs';

/** Nothing but the pages that a test asks for: no updates, no start page, no look at what is new. */
const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Each letter looks the same wherever it stands, and on every screen: pictures differ less, and weigh less.
  '--disable-lcd-text',
  '--disable-font-subpixel-positioning',
  // Chromium's own sandbox refuses to work for root, as whom CI runs.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/**
 * A browser of its own, without a window; the caller closes it.
 * @throws where there is none, with what to do about it
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(HOW_TO_GET_CHROMIUM);
  return chromium.launch({ executablePath, args: ARGS, headless: true });
}
