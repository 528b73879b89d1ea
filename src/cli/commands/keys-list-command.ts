import { Command } from 'commander';
import { keyState, listKeys } from '../../db/access/api-keys.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print, snakeCaseKeys } from '../output.ts';
import { renderTable } from '../render/text-table.ts';

const FORMATS = { live: 'green', expiring: 'yellow', expired: 'dim', revoked: 'dim' } as const;

export function keysListCommand(): Command {
  return new Command('list')
    .description('list API keys; the keys themselves are not stored')
    .addHelpText(
      'after',
      `
States: live, expiring (within 14 days), expired, revoked.

Examples:
  npm run cli -- keys list
  npm run --silent cli -- keys list --json | jq '.[] | select(.state == "expiring")'`,
    )
    .action(async (_options, command: Command) => {
      const listed = await withDatabase(readEnvironment(process.env), (db) => listKeys(db));
      const now = new Date();
      const keys = listed.map((key) => ({ ...key, state: keyState(key, now) }));
      print(
        command,
        keys,
        (keys) =>
          renderTable(
            [
              { head: 'id', value: (key) => key.keyId },
              { head: 'scope', value: (key) => key.scope },
              { head: 'tenant', value: (key) => key.tenantId },
              { head: 'currency', value: (key) => key.currency },
              { head: 'label', wrap: true, value: (key) => key.label },
              { head: 'state', value: (key) => key.state, format: (key) => FORMATS[key.state] },
              { head: 'created', value: (key) => key.createdAt },
              { head: 'last used', value: (key) => key.lastUsedAt },
              { head: 'expires', value: (key) => key.expiresAt },
              { head: 'revoked', value: (key) => key.revokedAt },
              { head: 'successor', value: (key) => key.replacedByKeyId },
              { head: 'signing secrets', value: (key) => key.signingSecretIds.join('\n') },
            ],
            keys,
            'There are no API keys.',
          ),
        snakeCaseKeys,
      );
    });
}
