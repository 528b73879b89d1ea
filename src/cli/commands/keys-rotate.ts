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
    .description('make the successor of an API key; both work until the overlap is over')
    .argument('<key-id>', 'as `keys list` shows it')
    .addOption(
      new Option('--overlap <duration>', 'how long the old key goes on working')
        .argParser(durationArgument)
        .default(durationArgument(DEFAULT_OVERLAP), DEFAULT_OVERLAP),
    )
    .addHelpText(
      'after',
      `
The successor has the same scope, tenant and label, and lives as long as its predecessor was made to
unless you say otherwise. A key that signs its requests has a successor that does, with a new secret.
An end that is nearer than the overlap stays.

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
            `Keep it now: only its hash is stored. Its id is ${done.keyId}.`,
            ...(done.signingSecret === null
              ? []
              : [
                  done.signingSecret.secret,
                  `Its requests have to be signed with this secret, ${done.signingSecret.secretId}; ` +
                    'it is shown this once.',
                ]),
            `Key ${done.replaces.keyId} works until ${done.replaces.expiresAt}.`,
          ].join('\n'),
        snakeCaseKeys,
      );
    });
}
