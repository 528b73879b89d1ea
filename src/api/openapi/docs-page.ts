import { contentPolicy } from '../../lib/content-policy.ts';
import { ownAsset, packageAsset } from '../http/assets.ts';

const STYLES = [
  packageAsset('swagger-ui-dist', 'swagger-ui.css'),
  ownAsset(new URL('./assets/docs.css', import.meta.url)),
];
const SCRIPTS = [
  packageAsset('swagger-ui-dist', 'swagger-ui-bundle.js'),
  ownAsset(new URL('./assets/docs.js', import.meta.url)),
];

/** The files that `/docs` loads. */
export const DOCS_ASSETS = [...STYLES, ...SCRIPTS];

/** Nothing from another host and nothing inline; Swagger UI's icons are `data:` images in its style sheet. */
export const DOCS_CSP = contentPolicy([
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
]);

/** The page in which Swagger UI shows `/openapi.json`. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>arcadia-invoicing API</title>
<link rel="icon" href="data:,">
${STYLES.map(({ path }) => `<link rel="stylesheet" href="${path}">`).join('\n')}
${SCRIPTS.map(({ path }) => `<script src="${path}" defer></script>`).join('\n')}
</head>
<body>
<div id="docs"></div>
<noscript>This page needs a script to show <a href="/openapi.json">/openapi.json</a>.</noscript>
</body>
</html>
`;
