import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CliError } from '../../../src/cli/cli-error.ts';
import { readKeyMetadata } from '../../../src/cli/litellm/key-metadata.ts';
import { SpendLogError, type SpendLogRow } from '../../../src/cli/litellm/spend-log-event.ts';

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

  test('rejects rows of keys that the export lacks', async () => {
    const files = { keys: write('keys.json', ...KEYS), teams: write('teams.json', TEAMS) };
    const find = await readKeyMetadata(files);
    expect(() => find(row('k3', 't1'))).toThrow('its key k3 is not in the file of --keys');
    const named = { ...row('k3', null), metadata: { user_api_key_alias: 'acme-web' } };
    expect(() => find(named)).toThrow('its key k3 is not in the file of --keys');
    // The master key.
    expect(find(row('k3', null))).toEqual({});
  });

  test('rejects rows of teams that the export lacks: they may name another payer', async () => {
    const files = { keys: write('keys.json', ...KEYS), teams: write('teams.json', TEAMS) };
    const find = await readKeyMetadata(files);
    expect(() => find(row('k1', 't2'))).toThrow('its team t2 is not in the file of --teams');
    const inMetadata = { ...row('k1', ''), metadata: { user_api_key_team_id: 't2' } };
    expect(() => find(inMetadata)).toThrow('its team t2 is not in the file of --teams');
  });

  test('rejects rows of teams without a file of teams', async () => {
    const find = await readKeyMetadata({ keys: write('keys.json', ...KEYS) });
    expect(() => find(row('k1', 't1'))).toThrow(SpendLogError);
    expect(() => find(row('k1', 't1'))).toThrow('--teams is missing');
    expect(find(row('k2', null))).toEqual({});
  });

  test('rejects a file of teams without one of keys', async () => {
    const teams = write('teams.json', TEAMS);
    await expect(readKeyMetadata({ teams })).rejects.toThrow('--teams requires --keys');
  });

  test('has no metadata without files', async () => {
    const find = await readKeyMetadata({});
    expect(find(row('k1', 't1'))).toEqual({});
  });

  test('reads teams by page too', async () => {
    const teams = write('teams.json', { teams: TEAMS, page: 1 });
    const find = await readKeyMetadata({ keys: write('keys.json', ...KEYS), teams });
    expect(find(row('k1', 't1'))).toMatchObject({ arcadia_tenant: 'acme' });
  });

  test.each([
    ['keys by their hash alone', { keys: ['k1'] }],
    ['something else', { data: [] }],
  ])('rejects %s', async (_, answer) => {
    const keys = write('wrong.json', answer);
    await expect(readKeyMetadata({ keys })).rejects.toThrow(CliError);
  });

  test('rejects a missing file', async () => {
    const files = { keys: write('keys.json', ...KEYS), teams: join(folder, 'none') };
    await expect(readKeyMetadata(files)).rejects.toThrow('There is no file');
  });
});
