import { Command, Option } from 'commander';
import type { WebhookEventType } from '../../contracts/webhooks.ts';
import { createWebhookEndpoint } from '../../db/webhooks/webhook-endpoints.ts';
import { showSecret } from '../../webhooks/secret.ts';
import { checkWebhookUrl } from '../../webhooks/url-rules.ts';
import { readEnvironment } from '../environment.ts';
import { CliError } from '../errors.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';
import { newest } from '../show-secret.ts';
import { eventTypeArgument, labelArgument } from '../webhook-arguments.ts';

interface Options {
  readonly events: readonly WebhookEventType[];
  readonly label?: string | null;
}

export function webhooksAddCommand(): Command {
  return new Command('add')
    .description('register a receiver of events: it is told what happens from now on')
    .argument(
      '<url>',
      'https, and a public address as far as WEBHOOK_ALLOWED_NETWORKS allows no other',
    )
    .addOption(
      new Option('--events <types...>', 'of which, or all')
        .argParser(eventTypeArgument)
        .makeOptionMandatory(),
    )
    .option('--label <text>', 'whose it is', labelArgument)
    .addHelpText(
      'after',
      `
Its secret is shown once: receivers verify signatures with it (Standard Webhooks). It needs
SIGNING_MASTER_SECRETS and WEBHOOK_ALLOWED_NETWORKS as the worker has them.

Example:
  npm run cli -- webhooks add https://billing.example.com/hooks --events invoice.issued invoice.superseded`,
    )
    .action(async (text: string, { events, label = null }: Options, command: Command) => {
      const done = await operatorAction(
        command,
        readEnvironment(process.env),
        async (db, { api, webhooks }) => {
          const { url, reason } = checkWebhookUrl(text, webhooks.allowsAddress);
          if (reason !== null) {
            throw new CliError(`Events can't be sent to ${JSON.stringify(text)}: ${reason}`);
          }
          const masterSecret = newest(api.signingMasterSecrets);
          const made = await createWebhookEndpoint(db, { url, label, eventTypes: events });
          return { ...made, secret: showSecret(masterSecret, made.secretId) };
        },
      );
      print(command, done, (done) =>
        [
          done.secret,
          `Keep it now: it isn't stored. The endpoint's id is ${done.endpointId}.`,
        ].join('\n'),
      );
    });
}
