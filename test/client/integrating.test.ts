import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { format } from 'prettier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../api/_harness.ts';
import { renderProblemTable } from '../_util/problem-table.ts';

const GUIDE = readFileSync('docs/integrating.md', 'utf8');
const run = promisify(execFile);

/** The code blocks that begin with these words. */
function blocks(info: string): readonly string[] {
  return [...GUIDE.matchAll(/^```(.*)\n([^]*?)^```$/gm)]
    .filter(([, word]) => word === info)
    .map(([, , code = '']) => code);
}

describe('the commands of docs/integrating.md', () => {
  let api: TestApi;
  let server: ReturnType<TestApi['app']['listen']>;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    // The events are dated May 2026, which must be recent.
    api = await createTestApi({ now: () => new Date('2026-06-01T00:00:00Z') });
    server = api.app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    env = {
      PATH: process.env.PATH,
      API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      GATEWAY_API_KEY: api.keys.gateway,
      METERING_API_KEY: api.keys.metering,
      TENANT_API_KEY: api.keys.acme,
    };
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await api[Symbol.asyncDispose]();
  });
  const commands = blocks('sh run');

  test('there are some', () => expect(commands.length).toBeGreaterThanOrEqual(4));

  test.each(commands)('%s', async (command) => {
    const { stdout } = await run('bash', ['-c', command], { env });
    const reply = JSON.parse(stdout) as object;
    expect(JSON.stringify(reply)).not.toContain('"rejected":1');
    expect(reply).not.toHaveProperty('type');
  });

  test('a command that is refused would fail', async () => {
    const command = commands[0]!.replace('"charge_cents": "0.0425"', '"charge_cents": 0.0425');
    await expect(run('bash', ['-c', command], { env })).rejects.toThrow('Command failed');
  });
});

describe("the client's package", () => {
  let folder: string;
  beforeAll(() => {
    mkdirSync('.local', { recursive: true });
    folder = mkdtempSync(resolve('.local', 'consumer-'));
    const packed = spawnSync(process.execPath, ['scripts/client/pack.mjs'], { encoding: 'utf8' });
    expect(packed.stderr).toBe('');
    const tarball = packed.stdout.trim().split('\n').at(-1)!;
    const modules = join(folder, 'node_modules');
    const installed = join(modules, 'arcadia-invoicing-client');
    mkdirSync(installed, { recursive: true });
    spawnSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
    // The packages that npm would install for it, and those that the examples use.
    for (const name of ['openapi-fetch', 'openapi-typescript-helpers', 'standardwebhooks']) {
      symlinkSync(resolve('node_modules', name), join(modules, name));
    }
    mkdirSync(join(modules, '@types'));
    symlinkSync(resolve('node_modules/@types/node'), join(modules, '@types/node'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What a stranger's compiler says, with settings that are not ours. */
  function compile(sources: readonly string[]): string {
    const files = sources.map((source, index) => {
      const file = join(folder, `example-${index}.ts`);
      writeFileSync(file, source);
      return file;
    });
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2022',
      types: ['node'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const compiler = resolve('node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
    return stdout;
  }

  test('the examples of docs/integrating.md compile against it', () => {
    const examples = blocks('ts');
    expect(examples.length).toBeGreaterThanOrEqual(3);
    expect(compile(examples)).toBe('');
  });

  test("a consumer's mistakes don't compile: the types are there", () => {
    const [example = ''] = blocks('ts');
    const wrong = example.replace("charge_cents: '0.0425'", 'charge_cents: 0.0425');
    expect(compile([wrong])).toContain("Type 'number' is not assignable to type 'string'");
    expect(compile([example.replace('llm-usage', 'llm-usages')])).toContain('error TS');
  });

  test('it runs', async () => {
    const program =
      "import { createClient } from 'arcadia-invoicing-client';" +
      'const fetch = () => Promise.resolve(Response.json({ ok: true }));' +
      "const client = createClient({ baseUrl: 'http://api', apiKey: 'k', fetch });" +
      "console.log((await client.GET('/healthz')).data.ok);";
    writeFileSync(join(folder, 'run.mjs'), program);
    expect((await run(process.execPath, ['run.mjs'], { cwd: folder })).stdout).toBe('true\n');
  });
});

test('the table of problems is the one that is served', async () => {
  const [, table = ''] = /problems: written[^\n]*-->\n([^]*?)<!-- problems: end/.exec(GUIDE) ?? [];
  const expected = await format(renderProblemTable(), { parser: 'markdown', printWidth: 100 });
  expect(table.trim()).toBe(expected.trim());
});
