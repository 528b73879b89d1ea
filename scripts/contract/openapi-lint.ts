import { createConfig, lintFromString } from '@redocly/openapi-core';
import { apiDocument } from '../../src/api/routes/all-routes.ts';

/** Redocly's recommended rules except these; warnings count as errors. */
const RULES = {
  // Operations without key and input (health, metrics, this document) reject nothing.
  'operation-4xx-response': 'off',
  // The rule requires a URL, but the licence isn't public.
  'info-license-url': 'off',
} as const;

/**
 * Lints the OpenAPI document, or the one given.
 * @returns a line for each error and each warning; both fail the check
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
