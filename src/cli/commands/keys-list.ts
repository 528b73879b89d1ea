import { Command } from 'commander';
import { listKeys } from '../../db/api-keys.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { renderTable } from '../render/table.ts';

export function keysListCommand(): Command {
  return new Command('list')
    .description('list the API keys, without their texts')
    .action(async (_options, command: Command) => {
      const keys = await withDatabase(readEnvironment(process.env), (db) => listKeys(db));
      print(command, keys, () =>
        renderTable(
          [
            { head: 'id', value: (key) => key.keyId },
            { head: 'scope', value: (key) => key.scope },
            { head: 'tenant', value: (key) => key.tenantId },
            { head: 'label', value: (key) => key.label },
            { head: 'created', value: (key) => key.createdAt },
            { head: 'revoked', value: (key) => key.revokedAt },
          ],
          keys,
          'no keys',
        ),
      );
    });
}
