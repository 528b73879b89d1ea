import { apiDocument } from '../../src/api/routes/all-routes.ts';

/** `npm run openapi`: prints the OpenAPI document as served at /openapi.json. */
console.log(JSON.stringify(apiDocument(), null, 2));
