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
  // Chromium's own sandbox refuses to run as root, the user in CI.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/**
 * Launches a separate headless browser; the caller closes it.
 * @throws Error if none is installed; its message says how to install one
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(HOW_TO_GET_CHROMIUM);
  return chromium.launch({ executablePath, args: ARGS, headless: true });
}
