import { openApiDocument, type OpenApiDocument } from './openapi/openapi.ts';
import { documentationRoutes } from './openapi/documentation.ts';
import { ROUTES } from './routes/index.ts';

/** The OpenAPI document of the whole API, without a server to ask for it. */
export function apiDocument(): OpenApiDocument {
  return openApiDocument([...ROUTES, ...documentationRoutes(ROUTES)]);
}
