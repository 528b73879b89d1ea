import { Command } from 'commander';
import { revokeKey } from '../../db/access/api-keys.ts';
import { readEnvironment } from '../environment.ts';
import { unknownKey } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';

export function keysRevokeCommand(): Command {
  return new Command('revoke')
    .description('make an API key useless, for good')
    .argument('<key-id>', 'as `keys list` shows it')
    .addHelpText(
      'after',
      `
Running APIs may take the key for a few seconds more.

Example:
  npm run cli -- keys revoke 6f1c0a52-…`,
    )
    .action(async (keyId: string, _options, command: Command) => {
      await operatorAction(command, readEnvironment(process.env), async (db) => {
        if (!(await revokeKey(db, keyId))) throw unknownKey(keyId);
      });
      print(command, { key_id: keyId, revoked: true }, ({ key_id }) => `Key ${key_id} is revoked.`);
    });
}
