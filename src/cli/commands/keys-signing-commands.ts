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
    .description(
      'create a signing secret for an API key, whose requests must be signed from then on',
    )
    .argument('<key-id>', 'id of the key, as in `keys list`')
    .addHelpText(
      'after',
      `
For keys of scope gateway or metering; signatures follow Standard Webhooks. To replace a secret without
an interruption: create the next one (up to ${MAX_LIVE_SECRETS} can be live), switch the sender to it, then revoke the
old one (\`keys unsign\`). Requires the API's SIGNING_MASTER_SECRETS. Running API processes notice within
a few seconds.

Example:
  npm run cli -- keys sign 6f1c0a52-…`,
    )
    .action(async (keyId: string, _options, command: Command) => {
      const done = await operatorAction(
        command,
        readEnvironment(process.env),
        async (db, { api }) => {
          // Fail early: without a master secret the new secret can't be shown, and its sender is locked out.
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
          [done.secret, `Save this secret now: it isn't stored. Its id is ${done.secretId}.`].join(
            '\n',
          ),
        snakeCaseKeys,
      );
    });
}

export function keysUnsignCommand(): Command {
  return new Command('unsign')
    .description('revoke a signing secret, permanently')
    .argument('<secret-id>', 'id of the secret, as in `keys list`')
    .addHelpText(
      'after',
      `
Requests of a key without a live secret need no signature. Running API processes may accept the secret
for a few more seconds.

Example:
  npm run cli -- keys unsign 0b7d3c1e-…`,
    )
    .action(async (secretId: string, _options, command: Command) => {
      const revoked = await operatorAction(command, readEnvironment(process.env), async (db) => {
        const found = await revokeSigningSecret(db, secretId);
        if (found !== null) return found;
        throw new CliError(`There is no signing secret with id ${secretId}. See \`keys list\`.`);
      });
      print(
        command,
        { secretId, ...revoked, revoked: true },
        ({ secretId, liveSecrets, keyId }) =>
          [
            `Signing secret ${secretId} is revoked.`,
            liveSecrets > 0
              ? `Key ${keyId} has ${liveSecrets} more live.`
              : `Requests with key ${keyId} no longer need a signature.`,
          ].join('\n'),
        snakeCaseKeys,
      );
    });
}
