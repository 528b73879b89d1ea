import { Command } from 'commander';
import { listWebhookEndpoints, type WebhookEndpoint } from '../../db/webhooks/webhook-endpoints.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { renderTable } from '../render/table.ts';

export function webhooksListCommand(): Command {
  return new Command('list')
    .description('list the receivers of events, and how they stand')
    .addHelpText(
      'after',
      `
Pending: still to be delivered. Dead: given up; \`webhooks replay\` delivers them again.

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
            { head: 'dead', align: 'right', value: (row) => row.dead },
            { head: 'delivered', align: 'right', value: (row) => row.delivered_attempts },
            { head: 'failed', align: 'right', value: (row) => row.failed_attempts },
            { head: 'secrets', value: (row) => row.secrets.map(secretText).join('\n') },
          ],
          endpoints,
          'no webhook endpoints',
        ),
      );
    });
}

function secretText({ secret_id, expires_at }: WebhookEndpoint['secrets'][number]): string {
  return expires_at === null ? secret_id : `${secret_id} until ${expires_at}`;
}
