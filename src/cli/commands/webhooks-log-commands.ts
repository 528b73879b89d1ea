import { Command, Option } from 'commander';
import {
  listWebhookAttempts,
  type LoggedWebhookAttempt,
} from '../../db/webhooks/webhook-attempts.ts';
import { answerText, deliveryStateText } from '../../display/webhook-text.ts';
import { integerArgument, idArgument, durationArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireKnown } from '../preconditions.ts';
import { note, print } from '../output.ts';
import { counted } from '../../domain/format.ts';
import { renderTable } from '../render/text-table.ts';
import { pruneEvents } from '../../db/webhooks/webhook-deliveries.ts';
import { operatorAction } from '../record-action.ts';

interface Options {
  readonly endpoint?: string;
  readonly event?: string;
  readonly outcome?: 'delivered' | 'failed';
  readonly limit: number;
}

export function webhooksLogCommand(): Command {
  return new Command('log')
    .description('list delivery attempts, latest first')
    .option('--endpoint <id>', 'only attempts to this endpoint', idArgument)
    .option('--event <id>', 'only attempts for this event (its webhook-id)', idArgument)
    .addOption(
      new Option('--outcome <outcome>', 'only attempts with this outcome').choices([
        'delivered',
        'failed',
      ]),
    )
    .option('--limit <count>', 'maximum number of attempts', integerArgument(1, 10_000), 50)
    .addHelpText(
      'after',
      `
--json adds the beginning of each response.

Example:
  npm run cli -- webhooks log --outcome failed --limit 20`,
    )
    .action(async ({ endpoint, event, outcome, limit }: Options, command: Command) => {
      const filters = { endpointId: endpoint, eventId: event, outcome };
      const attempts = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'webhook endpoint', endpoint);
        await requireKnown(db, 'webhook event', event);
        return listWebhookAttempts(db, filters, { after: null, limit });
      });
      print(command, attempts, (attempts) =>
        renderTable<LoggedWebhookAttempt>(
          [
            { head: 'at', value: (row) => row.attempted_at },
            { head: 'event', value: (row) => row.event_id },
            { head: 'type', value: (row) => row.type },
            { head: 'endpoint', value: (row) => row.endpoint_id },
            { head: 'attempt', align: 'right', value: (row) => row.attempt },
            { head: 'ms', align: 'right', value: (row) => row.duration_ms },
            { head: 'result', value: answerText },
            { head: 'now', value: ({ state }) => deliveryStateText(state) },
            { head: 'next attempt', value: (row) => row.next_attempt_at },
          ],
          attempts,
          'No delivery attempts match.',
        ),
      );
      if (attempts.length === limit)
        note(`Showing the latest ${limit} attempts. Use --limit to see more.`);
    });
}

const DEFAULT_AGE = '90d';

export function webhooksPruneCommand(): Command {
  return new Command('prune')
    .description('delete old events that were delivered or given up, with their attempts')
    .addOption(
      new Option('--older-than <duration>', 'minimum age of the events')
        .argParser(durationArgument)
        .default(durationArgument(DEFAULT_AGE), DEFAULT_AGE),
    )
    .addHelpText('after', '\nExample:\n  npm run cli -- webhooks prune --older-than 90d')
    .action(async ({ olderThan }: { readonly olderThan: number }, command: Command) => {
      const before = new Date(Date.now() - olderThan);
      const deleted = await operatorAction(command, readEnvironment(process.env), (db) =>
        pruneEvents(db, before),
      );
      print(
        command,
        { deleted, before },
        ({ deleted, before }) =>
          `Deleted ${counted(deleted, 'event')} from before ${before.toISOString()}.`,
      );
    });
}
