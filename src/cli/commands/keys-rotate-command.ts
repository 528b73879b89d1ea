import { Command, Option } from 'commander';
import { rotateKey } from '../../db/access/rotate-key.ts';
import { durationArgument } from '../arguments.ts';
import { readEnvironment } from '../environment.ts';
import { CliError, capitalize } from '../cli-error.ts';
import { expiryOf, expiryOptions, type ExpiryOptions, showSecret } from '../key-lifecycle.ts';
import { unknownKey } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print, snakeCaseKeys } from '../output.ts';

interface Options extends ExpiryOptions {
  /** Milliseconds. */
  readonly overlap: number;
}

const DEFAULT_OVERLAP = '7d';

export function keysRotateCommand(): Command {
  const rotate = new Command('rotate');
  expiryOptions().forEach((option) => rotate.addOption(option));
  return rotate
    .description('create a successor of an API key; both work until the overlap ends')
    .argument('<key-id>', 'id of the key, as in `keys list`')
    .addOption(
      new Option('--overlap <duration>', 'time during which the old key still works')
        .argParser(durationArgument)
        .default(durationArgument(DEFAULT_OVERLAP), DEFAULT_OVERLAP),
    )
    .addHelpText(
      'after',
      `
The successor has the same scope, tenant, currency and label, and the same lifetime unless an option sets
another. If the key's requests must be signed, the successor gets a new signing secret. If the old key
expires before the overlap ends, that expiry stays.

Example:
  npm run cli -- keys rotate 6f1c0a52-… --overlap 2d`,
    )
    .action(async (keyId: string, { overlap, ...expiry }: Options, command: Command) => {
      const now = new Date();
      const expiresAt = expiryOf(expiry, now);
      const done = await operatorAction(
        command,
        readEnvironment(process.env),
        async (db, { api }) => {
          const canSign = api.signingMasterSecrets.length > 0;
          const overlapMs = overlap;
          const result = await rotateKey(db, { keyId, overlapMs, expiresAt, now, canSign });
          if (result.outcome === 'unknown') throw unknownKey(keyId);
          if (result.outcome === 'refused') throw new CliError(capitalize(result.reason));
          const { successor, signingSecretId, predecessor } = result;
          const { plainKey, ...key } = successor;
          return {
            ...key,
            key: plainKey,
            replaces: predecessor,
            signingSecret:
              signingSecretId === null
                ? null
                : showSecret(api.signingMasterSecrets, signingSecretId),
          };
        },
      );
      print(
        command,
        done,
        (done) =>
          [
            done.key,
            `Save this key now: only its hash is stored. Its id is ${done.keyId}.`,
            ...(done.signingSecret === null
              ? []
              : [
                  done.signingSecret.secret,
                  `Requests with this key must be signed with the secret above (${done.signingSecret.secretId}). ` +
                    'Save it now: it is shown only once.',
                ]),
            `Key ${done.replaces.keyId} works until ${done.replaces.expiresAt}.`,
          ].join('\n'),
        snakeCaseKeys,
      );
    });
}
