import { Command } from 'commander';
import { revokeKey } from '../../db/access/api-keys.ts';
import { readEnvironment } from '../environment.ts';
import { unknownKey } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';

export function keysRevokeCommand(): Command {
  return new Command('revoke')
    .description('revoke an API key, permanently')
    .argument('<key-id>', 'id of the key, as in `keys list`')
    .addHelpText(
      'after',
      `
Running API processes may accept the key for a few more seconds.

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
