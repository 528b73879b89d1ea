import { Command } from 'commander';
import { revokeSigningSecret } from '../../db/access/signing-secrets.ts';
import { readEnvironment } from '../environment.ts';
import { CliError } from '../errors.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';
import { snakeCaseKeys } from '../snake-case.ts';

export function keysUnsignCommand(): Command {
  return new Command('unsign')
    .description('revoke a signing secret, for good')
    .argument('<secret-id>', 'as `keys list` shows it')
    .addHelpText(
      'after',
      `
A key without a live secret need not sign. Running APIs may take the secret for a few seconds more.

Example:
  npm run cli -- keys unsign 0b7d3c1e-…`,
    )
    .action(async (secretId: string, _options, command: Command) => {
      const revoked = await operatorAction(command, readEnvironment(process.env), async (db) => {
        const found = await revokeSigningSecret(db, secretId);
        if (found !== null) return found;
        throw new CliError(`There is no signing secret with the id ${secretId}: see \`keys list\``);
      });
      print(
        command,
        { secretId, ...revoked, revoked: true },
        ({ secretId, liveSecrets, keyId }) =>
          [
            `Signing secret ${secretId} is revoked.`,
            liveSecrets > 0
              ? `Key ${keyId} has ${liveSecrets} more.`
              : `Key ${keyId} need not sign its requests any more.`,
          ].join('\n'),
        snakeCaseKeys,
      );
    });
}
