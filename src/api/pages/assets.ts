import type { Express } from 'express';
import { refuseOtherMethods } from '../http/serve-routes.ts';
import { SharedDocument, sendShared } from '../http/shared-document.ts';
import { LIVE_SCRIPT, STYLESHEET } from './views/assets.ts';

/** What pages load: whoever asks, for as long as they like, for its name changes with its content. */
export function mountAssets(app: Express): void {
  const assets = [STYLESHEET, LIVE_SCRIPT];
  for (const { path, contentType, body } of assets) {
    const document = new SharedDocument(body);
    app.get(path, (request, response) => {
      response.set({
        'Cache-Control': 'public, max-age=31536000, immutable',
        'Content-Type': contentType,
      });
      sendShared(request, response, document);
    });
  }
  refuseOtherMethods(
    app,
    assets.map(({ path }) => ({ method: 'get', path })),
  );
}
