import { Command, Option } from 'commander';
import type { WebhookEventType } from '../../contracts/webhook-types.ts';
import {
  createWebhookEndpoint,
  listWebhookEndpoints,
  type WebhookEndpoint,
  disableWebhookEndpoint,
} from '../../db/webhooks/webhook-endpoints.ts';
import { showSecret } from '../../webhooks/webhook-signing.ts';
import { checkWebhookUrl } from '../../webhooks/url-rules.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { operatorAction, actor } from '../record-action.ts';
import { print } from '../output.ts';
import { newest } from '../key-lifecycle.ts';
import { eventTypeArgument, labelArgument, idArgument, unknownEndpoint } from '../arguments.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly eventTypes: readonly WebhookEventType[];
  readonly label?: string | null;
}

export function webhooksAddCommand(): Command {
  return new Command('add')
    .description('register a webhook endpoint for events from now on')
    .argument(
      '<url>',
      'https URL with a public address, or one that WEBHOOK_ALLOWED_NETWORKS allows',
    )
    .addOption(
      new Option('--event-types <types...>', 'event types to send, or all')
        .argParser(eventTypeArgument)
        .makeOptionMandatory(),
    )
    .option('--label <text>', 'owner or purpose of the endpoint', labelArgument)
    .addHelpText(
      'after',
      `
Prints the endpoint's secret, once: the receiver verifies signatures with it (Standard Webhooks). Requires
the worker's SIGNING_MASTER_SECRETS and WEBHOOK_ALLOWED_NETWORKS.

Example:
  npm run cli -- webhooks add https://billing.example.com/hooks \\
    --event-types invoice.issued invoice.superseded`,
    )
    .action(async (text: string, { eventTypes, label = null }: Options, command: Command) => {
      const done = await operatorAction(
        command,
        readEnvironment(process.env),
        async (db, { api, webhooks }) => {
          const { url, reason } = checkWebhookUrl(text, webhooks.allowsAddress);
          if (reason !== null) {
            throw new CliError(`Events can't be sent to ${JSON.stringify(text)}: ${reason}`);
          }
          const masterSecret = newest(api.signingMasterSecrets);
          const made = await createWebhookEndpoint(db, { url, label, eventTypes });
          return { ...made, secret: showSecret(masterSecret, made.secretId) };
        },
      );
      print(command, done, (done) =>
        [
          done.secret,
          `Save this secret now: it isn't stored. The endpoint's id is ${done.endpointId}.`,
        ].join('\n'),
      );
    });
}

export function webhooksListCommand(): Command {
  return new Command('list')
    .description('list webhook endpoints and their deliveries')
    .addHelpText(
      'after',
      `
Pending deliveries are still attempted. \`webhooks replay\` sends those again that were given up.

Example:
  npm run cli -- webhooks list`,
    )
    .action(async (_options, command: Command) => {
      const endpoints = await withDatabase(readEnvironment(process.env), (db) =>
        listWebhookEndpoints(db),
      );
      print(command, endpoints, (endpoints) =>
        renderTable<WebhookEndpoint>(
          [
            { head: 'id', value: (row) => row.endpoint_id },
            { head: 'url', value: (row) => row.url },
            { head: 'label', value: (row) => row.label },
            { head: 'events', value: (row) => row.event_types.join('\n') },
            { head: 'state', value: (row) => row.disabled_reason ?? 'live' },
            { head: 'pending', align: 'right', value: (row) => row.pending },
            { head: 'given up', align: 'right', value: (row) => row.dead },
            { head: 'delivered', align: 'right', value: (row) => row.delivered_attempts },
            { head: 'failed', align: 'right', value: (row) => row.failed_attempts },
            { head: 'secrets', value: (row) => row.secrets.map(secretText).join('\n') },
          ],
          endpoints,
          'There are no webhook endpoints.',
        ),
      );
    });
}

function secretText({ secret_id, expires_at }: WebhookEndpoint['secrets'][number]): string {
  return expires_at === null ? secret_id : `${secret_id} until ${expires_at}`;
}

export function webhooksDisableCommand(): Command {
  return new Command('disable')
    .description('disable a webhook endpoint, permanently; pending deliveries are given up')
    .argument('<endpoint-id>', 'id of the endpoint, as in `webhooks list`', idArgument)
    .addHelpText(
      'after',
      '\nExample:\n  npm run cli -- webhooks disable 6f1c0a52-9d0e-4b6e-8a51-2f3b7f6f8d10',
    )
    .action(async (endpointId: string, _options, command: Command) => {
      await operatorAction(command, readEnvironment(process.env), async (db) => {
        const isKnown = await disableWebhookEndpoint(db, endpointId, `by ${actor()}`);
        if (!isKnown) throw unknownEndpoint(endpointId);
      });
      print(
        command,
        { endpointId, disabled: true },
        ({ endpointId }) => `Endpoint ${endpointId} is disabled.`,
      );
    });
}
