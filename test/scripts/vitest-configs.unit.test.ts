import { readdirSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';

const PROJECT = new URL('../../', import.meta.url);
const CONFIGS = readdirSync(PROJECT).filter((name) => /^vitest\..*config\.ts$/.test(name));

const { versions } = process;
afterEach(() => {
  Object.defineProperty(process, 'versions', { value: versions });
  vi.resetModules();
});

test.each(CONFIGS)('%s names the required Node version if Node is too old', async (name) => {
  const load = () => import(new URL(name, PROJECT).pathname);
  await expect(load()).resolves.toHaveProperty('default.test');
  vi.resetModules();
  Object.defineProperty(process, 'versions', { value: { ...versions, node: '22.1.0' } });
  await expect(load()).rejects.toThrow(/^Node 24 is needed.*npm (test|run test:browser)/);
});
