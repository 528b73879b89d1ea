import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import type { Express } from 'express';
import { refuseOtherMethods } from './serve-routes.ts';
import { SharedDocument, sendShared } from './shared-document.ts';

/** A file that pages load, always from our own host. */
export interface Asset {
  /** Changes with the content, so browsers may keep the file forever. */
  readonly path: string;
  readonly contentType: string;
  readonly read: () => string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** A file of this repository; its path holds a digest of the content. */
export function ownAsset(file: URL): Asset {
  const body = readFileSync(file, 'utf8');
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return asset(digest, file.pathname, () => body);
}

/** A file of a package; its path holds the package's version, so nothing is read before it is asked for. */
export function packageAsset(packageName: string, file: string): Asset {
  const require = createRequire(import.meta.url);
  const { version } = require(`${packageName}/package.json`) as { readonly version: string };
  const path = require.resolve(`${packageName}/${file}`);
  return asset(`${packageName}-${version}`, path, () => readFileSync(path, 'utf8'));
}

function asset(folder: string, file: string, read: () => string): Asset {
  const contentType = CONTENT_TYPES[extname(file)];
  if (contentType === undefined) throw new Error(`no content type is known for ${file}`);
  return { path: `/assets/${folder}/${file.split('/').at(-1)}`, contentType, read };
}

/** Serves assets without sign-in. They are compressed once, and browsers may cache them for a year. */
export function mountAssets(app: Express, assets: readonly Asset[]): void {
  for (const { path, contentType, read } of assets) {
    let document: SharedDocument | undefined;
    app.get(path, (request, response) => {
      response.set({
        'Cache-Control': 'public, max-age=31536000, immutable',
        'Content-Type': contentType,
      });
      sendShared(request, response, (document ??= new SharedDocument(read())));
    });
  }
  refuseOtherMethods(
    app,
    assets.map(({ path }) => ({ method: 'get', path })),
  );
}
