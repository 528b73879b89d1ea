import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { WORKER_NODE_FLAGS, nodeFlags } from '../../scripts/lib/node-flags.mjs';

const COMPOSE = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));

test('a worker alone gets a small young generation, and a process with HTTP the default', () => {
  expect(nodeFlags('src/start.ts', ['worker'])).toEqual(
    expect.arrayContaining([...WORKER_NODE_FLAGS]),
  );
  for (const args of [[], ['api']]) {
    expect(nodeFlags('src/start.ts', args)).not.toEqual(
      expect.arrayContaining([...WORKER_NODE_FLAGS]),
    );
  }
});

test("the worker's container uses the same flags", () => {
  const { services } = parse(readFileSync(COMPOSE, 'utf8')) as {
    services: { worker: { command: readonly string[] } };
  };
  expect(services.worker.command).toEqual([...WORKER_NODE_FLAGS, 'src/start.ts', 'worker']);
});
