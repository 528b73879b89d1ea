import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CliError } from '../../../src/cli/cli-error.ts';
import { readKeyMetadata } from '../../../src/cli/litellm/key-metadata.ts';
import type { SpendLogRow } from '../../../src/cli/litellm/spend-log-event.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-keys-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, ...answers: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, answers.map((answer) => JSON.stringify(answer)).join('\n'));
  return path;
}

function row(api_key: string, team_id: string | null): SpendLogRow {
  return { request_id: 'r', startTime: '', spend: 0, api_key, team_id };
}

const KEYS = [
  { keys: [{ token: 'k1', team_id: 't1', metadata: { arcadia_deployment: 'own', other: 1 } }] },
  { keys: [{ token: 'k2', team_id: null, metadata: null }], total_count: 2 },
];
const TEAMS = [
  { team_id: 't1', metadata: { arcadia_tenant: 'acme', arcadia_deployment: 'teams' } },
];

describe('readKeyMetadata', () => {
  test("lets a team's metadata replace the key's, as LiteLLM does", async () => {
    const find = await readKeyMetadata({
      keys: write('keys.json', ...KEYS),
      teams: write('teams.json', TEAMS),
    });
    expect(find(row('k1', 't1'))).toEqual({
      ...{ arcadia_tenant: 'acme', arcadia_deployment: 'teams', other: 1 },
    });
    expect(find(row('k2', null))).toEqual({});
  });

  test('knows no key of a team that the export lacks', async () => {
    const find = await readKeyMetadata({ keys: write('keys.json', ...KEYS) });
    expect(find(row('k3', 't1'))).toBeUndefined();
    // Such as the master key.
    expect(find(row('k3', null))).toEqual({});
  });

  test('has no metadata without files', async () => {
    const find = await readKeyMetadata({});
    expect(find(row('k1', 't1'))).toEqual({});
  });

  test('reads teams by page too', async () => {
    const find = await readKeyMetadata({ teams: write('teams.json', { teams: TEAMS, page: 1 }) });
    expect(find(row('k9', 't1'))).toMatchObject({ arcadia_tenant: 'acme' });
  });

  test.each([
    ['keys by their hash alone', { keys: ['k1'] }],
    ['something else', { data: [] }],
  ])('rejects %s', async (_, answer) => {
    const keys = write('wrong.json', answer);
    await expect(readKeyMetadata({ keys })).rejects.toThrow(CliError);
  });

  test('rejects a missing file', async () => {
    await expect(readKeyMetadata({ teams: join(folder, 'none') })).rejects.toThrow(
      'There is no file',
    );
  });
});
