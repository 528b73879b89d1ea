import { createConfig, lintFromString } from '@redocly/openapi-core';
import { apiDocument } from '../../src/api/routes/all-routes.ts';

/** Redocly's recommended rules, warnings as errors, without these. */
const RULES = {
  // What takes no key and no input (health, metrics, this document) has nothing to refuse.
  'operation-4xx-response': 'off',
  // It wants a URL; the licence is nobody's but ours.
  'info-license-url': 'off',
} as const;

/**
 * Lints the OpenAPI document, or the one given.
 * @returns a line for each error and each warning: neither may be there
 */
export async function lintOpenApi(document: object = apiDocument()): Promise<readonly string[]> {
  const problems = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: 'openapi.json',
    config: await createConfig({ extends: ['recommended'], rules: RULES }),
  });
  return problems.map(({ severity, ruleId, message, location: [place] }) => {
    return `${severity} ${ruleId} at ${place?.pointer ?? '#'}: ${message}`;
  });
}
