import { apiDocument } from '../../src/api/routes/all-routes.ts';

/** `npm run openapi`: the OpenAPI document, as /openapi.json serves it. */
console.log(JSON.stringify(apiDocument(), null, 2));
