import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Browser } from 'playwright-core';
import { execFileSync } from 'node:child_process';
import { explainError } from '../../src/cli/explain-error.ts';
import { launchBrowser } from '../../test/browser/_launch.ts';
import { contextOptions } from '../../test/browser/_looks.ts';
import { OPERATOR_PAGES } from './operator-pages.ts';
import type { Moment, Picture } from './picture.ts';
import { openShop, type Shop } from './shop.ts';
import { TENANT_PAGES } from './tenant-pages.ts';
import { TEMPORAL_UI } from './temporal-ui.ts';

/**
 * `npm run screenshots`: takes the pictures in docs/images from the real programs: PostgreSQL, the
 * Temporal dev server with its Web UI, our API and worker. See `npm run screenshots -- --help`.
 */

const PICTURES = [...TEMPORAL_UI, ...OPERATOR_PAGES, ...TENANT_PAGES];
const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url));

interface Options {
  readonly pictures: readonly Picture[];
  readonly out: string;
}

function readOptions(): Options | null {
  const command = new Command('npm run screenshots --')
    .description('Retakes the pictures of the documentation from the real programs.')
    .argument('[names...]', 'which pictures; all by default')
    .option('--list', 'list the pictures and what each shows')
    .option('--out <folder>', 'where they go', IMAGES)
    .parse();
  const { list, out } = command.opts<{ readonly list?: true; readonly out: string }>();
  if (list) {
    for (const { name, shows } of PICTURES) console.log(`${name.padEnd(24)} ${shows}`);
    return null;
  }
  const pictures = command.args.map((wanted) => {
    const found = PICTURES.find(({ name }) => name === wanted);
    return found ?? command.error(`error: there is no picture ${wanted}: see --list`);
  });
  return { pictures: pictures.length === 0 ? PICTURES : pictures, out: resolve(out) };
}

async function takePictures({ pictures, out }: Options): Promise<void> {
  mkdirSync(out, { recursive: true });
  await using shop = await openShop();
  const browser = await launchBrowser();
  try {
    const takeAll = async (moment: Moment) => {
      for (const picture of pictures) {
        if ((picture.when ?? 'closed') === moment) await take(browser, shop, picture, out);
      }
    };
    await shop.closeMonthBefore();
    await shop.closeMonth(() => takeAll('closing'));
    await takeAll('closed');
    if (pictures.some(({ when }) => when === 'outage')) {
      await shop.stopPostgres(() => takeAll('outage'));
    }
  } finally {
    await browser.close();
  }
}

/** In a new browser context, as for a first-time visitor. */
async function take(browser: Browser, shop: Shop, picture: Picture, out: string): Promise<void> {
  const context = await browser.newContext({ ...contextOptions({}), viewport: picture.size });
  try {
    const page = await context.newPage();
    const path = join(out, `${picture.name}.png`);
    const clip = await picture.show(page, shop);
    const png = shrink(await page.screenshot({ clip, animations: 'disabled' }));
    writeFileSync(path, png);
    console.log(
      `     ${relative(process.cwd(), path).padEnd(42)} ${Math.ceil(png.length / 1000)} kB`,
    );
  } catch (error) {
    // The others may still succeed.
    console.error(`${picture.name} could not be taken:`, error);
    process.exitCode = 1;
  } finally {
    await context.close();
  }
}

const HOW_TO_GET_IT =
  'There is no pngquant: install it (Debian: apt-get install pngquant; macOS: brew install pngquant).';

/** @throws Error with instructions if there is no pngquant */
function checkPngquant(): void {
  try {
    execFileSync('pngquant', ['--version']);
  } catch (cause) {
    throw new Error(HOW_TO_GET_IT, { cause });
  }
}

/** Returns the picture in 256 colours, which looks the same and takes a third of the bytes. */
function shrink(png: Buffer): Buffer {
  return execFileSync('pngquant', ['--speed', '1', '--strip', '-'], { input: png });
}

try {
  const options = readOptions();
  if (options !== null) {
    checkPngquant();
    await takePictures(options);
  }
} catch (error) {
  console.error(explainError(error, process.env.LOG_LEVEL));
  process.exitCode = 1;
}
// Clients' connections may keep handles open.
process.exit();
