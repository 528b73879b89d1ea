import { Command, Option } from 'commander';
import { rotateWebhookSecret } from '../../db/webhooks/webhook-endpoints.ts';
import { showSecret } from '../../webhooks/secret.ts';
import { durationArgument, idArgument, unknownEndpoint } from '../arguments.ts';
import { readEnvironment } from '../environment.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import { newest } from '../key-lifecycle.ts';

interface Options {
  /** Milliseconds. */
  readonly overlap: number;
}

const DEFAULT_OVERLAP = '1d';

export function webhooksRotateSecretCommand(): Command {
  return new Command('rotate-secret')
    .description('make a new secret of a receiver; events are signed with both for a while')
    .argument('<endpoint-id>', 'as `webhooks list` shows it', idArgument)
    .addOption(
      new Option('--overlap <duration>', 'how long the former secret signs, too; 0m: no longer')
        .argParser(durationArgument)
        .default(durationArgument(DEFAULT_OVERLAP), DEFAULT_OVERLAP),
    )
    .addHelpText(
      'after',
      `
A secret that was being replaced already ends now: two are live, never more.

Example:
  npm run cli -- webhooks rotate-secret 6f1c0a52-9d0e-4b6e-8a51-2f3b7f6f8d10 --overlap 2d`,
    )
    .action(async (endpointId: string, { overlap }: Options, command: Command) => {
      const done = await operatorAction(
        command,
        readEnvironment(process.env),
        async (db, { api }) => {
          const masterSecret = newest(api.signingMasterSecrets);
          const rotated = await rotateWebhookSecret(db, endpointId, overlap / 1000);
          if (rotated.outcome !== 'rotated') throw unknownEndpoint(endpointId);
          const { secretId, formerUntil } = rotated;
          return { endpointId, secretId, secret: showSecret(masterSecret, secretId), formerUntil };
        },
      );
      print(command, done, (done) =>
        [
          done.secret,
          `Keep it now: it isn't stored. The former secret signs until ${done.formerUntil}.`,
        ].join('\n'),
      );
    });
}
