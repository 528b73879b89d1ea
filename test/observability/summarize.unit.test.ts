import { expect, test } from 'vitest';
import { summarize } from '../../src/observability/tracing/statement-spans.ts';

test.each([
  ['SELECT a FROM invoices WHERE b = $1', 'SELECT invoices'],
  ['SELECT 1', 'SELECT'],
  [
    '\n    -- UPDATE nothing\n    SELECT a FROM unnest($1) JOIN tenants USING (a)',
    'SELECT tenants',
  ],
  ['SELECT a IS DISTINCT FROM b FROM (SELECT c FROM plans) d', 'SELECT plans'],
  ['SELECT a FROM tenants FOR NO KEY UPDATE', 'SELECT tenants'],
  [
    'INSERT INTO usage_events (a) VALUES ($1) ON CONFLICT DO UPDATE SET a = 1',
    'INSERT usage_events',
  ],
  ['/* planned each time */ INSERT INTO a SELECT b FROM c', 'INSERT a'],
  [
    'WITH n AS (UPDATE tenants SET a = 1), i AS (INSERT INTO invoices SELECT 1) SELECT FROM n',
    'UPDATE tenants, INSERT invoices',
  ],
  ['DELETE FROM ONLY "drafts" WHERE a', 'DELETE drafts'],
  ['WITH due AS (SELECT a FROM tenants) SELECT a FROM due', 'SELECT tenants'],
  ['START TRANSACTION', 'START TRANSACTION'],
  ['SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', 'SET TRANSACTION'],
  ['COMMIT', 'COMMIT'],
  ['', 'SQL'],
])('%s', (text, summary) => {
  expect(summarize(text)).toBe(summary);
});
