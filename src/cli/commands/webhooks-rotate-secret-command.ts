import { Command, Option } from 'commander';
import { rotateWebhookSecret } from '../../db/webhooks/webhook-endpoints.ts';
import { showSecret } from '../../webhooks/webhook-signing.ts';
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
    .description('create a new endpoint secret; events are signed with both until the overlap ends')
    .argument('<endpoint-id>', 'id of the endpoint, as in `webhooks list`', idArgument)
    .addOption(
      new Option(
        '--overlap <duration>',
        'time during which the old secret still signs; 0m ends it now',
      )
        .argParser(durationArgument)
        .default(durationArgument(DEFAULT_OVERLAP), DEFAULT_OVERLAP),
    )
    .addHelpText(
      'after',
      `
At most two secrets are live: a secret that was already being replaced ends now.

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
          `Save this secret now: it isn't stored. The old secret signs until ${done.formerUntil}.`,
        ].join('\n'),
      );
    });
}
