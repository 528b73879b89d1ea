/**
 * Fails with instructions if there is no Chromium. With `--install` it first installs Debian's
 * package if it can do so without asking: as root, with apt-get.
 */
import { findOnPath } from './lib/cache.mjs';
import { HOW_TO_GET_CHROMIUM, findChromium } from './lib/chromium.mjs';
import { announced } from './lib/announce.mjs';
import { lastLine, runCommand } from './lib/run-command.mjs';

/** A mirror that changes during the download is usually consistent again a little later. */
const ATTEMPTS = 2;

async function install() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (...args) => {
    const { code, output } = await runCommand('apt-get', args, { env });
    if (code !== 0) throw new Error(`apt-get ${args.join(' ')}: ${lastLine(output)}`);
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await apt('update');
      await apt('install', '--yes', '--no-install-recommends', 'chromium');
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      console.error(`${error.message}; retrying …`);
    }
  }
}

const mayInstall = process.argv.includes('--install') && process.getuid?.() === 0;
try {
  if (findChromium() === undefined && mayInstall && findOnPath('apt-get')) {
    await announced('Installing Chromium', install);
  }
  if (findChromium() === undefined) throw new Error(HOW_TO_GET_CHROMIUM);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
