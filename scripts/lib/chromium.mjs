import { findOnPath, isExecutable } from './cache.mjs';

/** Instructions if there is no Chromium. */
export const HOW_TO_GET_CHROMIUM =
  'There is no Chromium: install it (Debian: apt-get install chromium; macOS: brew install --cask ' +
  'chromium), or name a Chromium or Chrome by CHROMIUM=/path/to/it.';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
/** macOS installs programs outside the PATH. */
const APPLICATIONS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Returns the browser for tests and screenshots: CHROMIUM if it is set, otherwise one found on the machine. */
export function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) return isExecutable(named) ? named : undefined;
  const onPath = PROGRAMS.map((program) => findOnPath(program));
  return [...onPath, ...APPLICATIONS].find((path) => path !== undefined && isExecutable(path));
}
