import { findOnPath, isExecutable } from './cache.mjs';

/** Where it isn't there, what to do about it. */
export const HOW_TO_GET_CHROMIUM =
  'There is no Chromium: install it (Debian: apt-get install chromium; macOS: brew install --cask ' +
  'chromium), or name a Chromium or Chrome by CHROMIUM=/path/to/it.';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
/** macOS has its programs where no PATH leads. */
const APPLICATIONS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser that tests and screenshots drive: CHROMIUM, and nothing else where that is set. */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return isExecutable(named) ? named : undefined;
  const onPath = PROGRAMS.map((program) => findOnPath(program));
  return [...onPath, ...APPLICATIONS].find((path) => path !== undefined && isExecutable(path));
}
