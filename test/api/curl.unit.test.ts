import { expect, test } from 'vitest';
import { curlOf } from '../../src/api/openapi/curl.ts';

test('what it needs: path, required query, key, body', () => {
  const operation = {
    security: [{ apiKey: [] }],
    parameters: [
      { name: 'id', in: 'path', required: true, example: 'a/b' },
      { name: 'month', in: 'query', required: true, example: '2026-05' },
      { name: 'limit', in: 'query', required: false, example: 5 },
    ],
    requestBody: { content: { 'application/json': { example: { reason: "it's late" } } } },
  };
  expect(curlOf('put', '/things/{id}', operation).split(' \\\n  ')).toEqual([
    'curl -X PUT "$API_URL/things/a%2Fb?month=2026-05"',
    '-H "Authorization: Bearer $API_KEY"',
    "-H 'Content-Type: application/json'",
    String.raw`-d '{"reason":"it'\''s late"}'`,
  ]);
});

test('nothing that it does not need', () => {
  expect(curlOf('get', '/healthz', {})).toBe('curl -X GET "$API_URL/healthz"');
});
