import { Command } from 'commander';
import { revokeKey } from '../../db/api-keys.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { unknownKey } from '../key-argument.ts';
import { print } from '../output.ts';

export function keysRevokeCommand(): Command {
  return new Command('revoke')
    .description('make an API key useless, for good')
    .argument('<key-id>', 'as `keys list` shows it')
    .addHelpText('after', '\nRunning APIs may take the key for a few seconds more.')
    .action(async (keyId: string, _options, command: Command) => {
      const isKnown = await withDatabase(readEnvironment(process.env), (db) =>
        revokeKey(db, keyId),
      );
      if (!isKnown) throw unknownKey(keyId);
      print(command, { keyId, revoked: true }, () => `Key ${keyId} is revoked.`);
    });
}
