import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { WORKER_NODE_FLAGS, nodeFlags } from '../../scripts/lib/node-flags.mjs';

const COMPOSE = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));

test('a worker alone has little memory for what is young; whatever serves HTTP has all', () => {
  expect(nodeFlags('src/start.ts', ['worker'])).toEqual(
    expect.arrayContaining([...WORKER_NODE_FLAGS]),
  );
  for (const args of [[], ['api']]) {
    expect(nodeFlags('src/start.ts', args)).not.toEqual(
      expect.arrayContaining([...WORKER_NODE_FLAGS]),
    );
  }
});

test("a container's worker has the same", () => {
  const { services } = parse(readFileSync(COMPOSE, 'utf8')) as {
    services: { worker: { command: readonly string[] } };
  };
  expect(services.worker.command).toEqual([...WORKER_NODE_FLAGS, 'src/start.ts', 'worker']);
});
