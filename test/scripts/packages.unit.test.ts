import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EXIT_CODES, readAudit } from '../../scripts/packages/audit-rules.mjs';
import { licenceProblems } from '../../scripts/packages/licence-rules.mjs';
import { lockfileProblems } from '../../scripts/packages/lockfile-rules.mjs';

const INTEGRITY = 'sha512-x';

/** A lockfile of one package. */
function locked(entry: object, name = 'node_modules/thing') {
  return { packages: { '': { dependencies: { thing: '^1.0.0' } }, [name]: entry } };
}
const manifest = { dependencies: { thing: '^1.0.0' }, allowScripts: { allowed: true } };

describe('lockfile', () => {
  test.each([
    ['a hash and no address', { integrity: INTEGRITY }, 0],
    ['no hash', {}, 1],
    ['a weak hash', { integrity: 'sha1-x' }, 1],
    ['an address', { integrity: INTEGRITY, resolved: 'https://elsewhere/thing.tgz' }, 1],
    ['an install script', { integrity: INTEGRITY, hasInstallScript: true }, 1],
  ])('%s', (_, entry, count) => {
    expect(lockfileProblems({ manifest, lockfile: locked(entry) })).toHaveLength(count);
  });

  test('allows the install script of an approved package at any path', () => {
    const entry = { integrity: INTEGRITY, hasInstallScript: true };
    const lockfile = locked(entry, 'node_modules/thing/node_modules/allowed');
    expect(lockfileProblems({ manifest, lockfile })).toEqual([]);
  });

  test('rejects a manifest that differs from the locked one', () => {
    const changed = { ...manifest, dependencies: { thing: '^2.0.0' } };
    const lockfile = locked({ integrity: INTEGRITY });
    expect(lockfileProblems({ manifest: changed, lockfile })).toEqual([
      'dependencies are not those of package.json: run npm install',
    ]);
  });
});

describe('licences', () => {
  test.each([
    ['MIT', false, 0],
    ['Apache-2.0 AND MIT', false, 0],
    ['(MIT OR GPL-3.0-only)', false, 0],
    ['MPL-2.0', true, 0],
    ['MPL-2.0', false, 1],
    ['GPL-3.0-only', true, 1],
    ['SEE LICENSE IN LICENSE', true, 1],
    [undefined, true, 1],
  ])('%s, for development %s', (license, dev, count) => {
    expect(licenceProblems(locked({ license, dev }))).toHaveLength(count);
  });
});

describe('audit', () => {
  const report = (vulnerabilities: object, packages = 900) =>
    JSON.stringify({
      metadata: { vulnerabilities: {}, dependencies: { total: packages } },
      vulnerabilities,
    });
  const vulnerability = (severity: string) =>
    report({ thing: { name: 'thing', severity, range: '<1' } });

  test('fails on high and critical vulnerabilities', () => {
    const high = readAudit(vulnerability('high'));
    expect(high).toMatchObject({ outcome: 'found', findings: ['thing <1: high'] });
    expect(readAudit(vulnerability('critical')).outcome).toBe('found');
    expect(readAudit(vulnerability('moderate'))).toMatchObject({ outcome: 'clean', findings: [] });
    expect(readAudit(report({})).outcome).toBe('clean');
  });

  test.each([
    [
      'an error of the registry',
      '{"message":"405 Method Not Allowed","error":{"summary":""}}',
      '405',
    ],
    ['an error without a word', '{"error":{"summary":"","detail":""}}', 'no report'],
    ['another document', '{"advisories":[]}', 'no report'],
    ['a report over no package', report({}, 0), 'no report'],
    ['no JSON', '<html>Bad Gateway</html>', 'no report'],
    ['nothing', '', 'no report'],
    ['null', 'null', 'no report'],
  ])('counts as not checked, which is not a pass, after %s', (_name, output, reason) => {
    const { outcome, summary } = readAudit(output);
    expect(outcome).toBe('not checked');
    expect(summary).toContain('NOT CHECKED');
    expect(summary).toContain(reason);
    expect(new Set(Object.values(EXIT_CODES)).size).toBe(3);
    expect(EXIT_CODES[outcome]).not.toBe(0);
  });

  test('exits with a code of its own if the registry does not answer', async () => {
    const registry = createServer((_request, response) => response.writeHead(405).end());
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const { port } = registry.address() as { port: number };
    const child = spawn('node', ['scripts/packages/audit.mjs'], {
      env: { ...process.env, npm_config_registry: `http://127.0.0.1:${port}/` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    registry.close();
    expect(said).toContain('NOT CHECKED');
    expect(code).toBe(EXIT_CODES['not checked']);
  });
});

// Not by `--omit dev`: npm 11.19 then omits packages that a development dependency needs too (zod).
test('the SBOM is CycloneDX, lists every shipped package and marks development packages', () => {
  const { stdout } = spawnSync('npm', ['run', '--silent', 'sbom'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const sbom = z
    .object({
      bomFormat: z.literal('CycloneDX'),
      components: z.array(
        z.object({
          name: z.string(),
          version: z.string(),
          properties: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
        }),
      ),
    })
    .parse(JSON.parse(stdout));
  const isForDevelopment = ({ properties = [] }: (typeof sbom.components)[number]) =>
    properties.some(({ name }) => name === 'cdx:npm:package:development');
  const shipped = new Set(
    sbom.components.filter((one) => !isForDevelopment(one)).map(({ name }) => name),
  );
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies).filter((name) => !shipped.has(name))).toEqual([]);
  expect(sbom.components.some(({ name }) => name === 'vitest')).toBe(true);
  expect(shipped.has('vitest')).toBe(false);
});
