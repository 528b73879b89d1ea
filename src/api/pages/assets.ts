import type { Express } from 'express';
import { LIVE_SCRIPT, STYLESHEET } from '../../pages/assets.ts';

/** What pages load: whoever asks, for as long as they like, for its name changes with its content. */
export function mountAssets(app: Express): void {
  for (const { path, contentType, body } of [STYLESHEET, LIVE_SCRIPT]) {
    app.get(path, (_request, response) => {
      response
        .set({
          'Cache-Control': 'public, max-age=31536000, immutable',
          'Content-Type': contentType,
        })
        .send(body);
    });
  }
}
