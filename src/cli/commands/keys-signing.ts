import { Command } from 'commander';
import {
  MAX_LIVE_SECRETS,
  createSigningSecret,
  revokeSigningSecret,
} from '../../db/access/signing-secrets.ts';
import { readEnvironment } from '../environment.ts';
import { CliError, capitalize } from '../cli-error.ts';
import { unknownKey } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print, snakeCaseKeys } from '../output.ts';
import { newest, showSecret } from '../key-lifecycle.ts';

export function keysSignCommand(): Command {
  return new Command('sign')
    .description('make a signing secret of an API key: its requests have to be signed from then on')
    .argument('<key-id>', 'as `keys list` shows it')
    .addHelpText(
      'after',
      `
For keys of the scopes gateway and metering, by Standard Webhooks. To change a secret without a gap:
make the next one (up to ${MAX_LIVE_SECRETS} are live), let the sender use it, revoke the old one (\`keys unsign\`).
It needs SIGNING_MASTER_SECRETS as the API has it. Running APIs take a few seconds to know.

Example:
  npm run cli -- keys sign 6f1c0a52-…`,
    )
    .action(async (keyId: string, _options, command: Command) => {
      const done = await operatorAction(
        command,
        readEnvironment(process.env),
        async (db, { api }) => {
          // Before anything is made: a secret that nobody can see would lock its sender out.
          newest(api.signingMasterSecrets);
          const result = await createSigningSecret(db, keyId, new Date());
          if (result.outcome === 'unknown') throw unknownKey(keyId);
          if (result.outcome === 'refused') throw new CliError(capitalize(result.reason));
          return { keyId, ...showSecret(api.signingMasterSecrets, result.secretId) };
        },
      );
      print(
        command,
        done,
        (done) =>
          [done.secret, `Keep it now: it isn't stored. Its id is ${done.secretId}.`].join('\n'),
        snakeCaseKeys,
      );
    });
}

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
