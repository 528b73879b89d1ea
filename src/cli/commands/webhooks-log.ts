import { Command, Option } from 'commander';
import {
  listWebhookAttempts,
  type LoggedWebhookAttempt,
} from '../../db/webhooks/webhook-attempts.ts';
import { integerArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireKnown } from '../known.ts';
import { note } from '../note.ts';
import { print } from '../output.ts';
import { renderTable } from '../render/table.ts';
import { idArgument } from '../webhook-arguments.ts';

interface Options {
  readonly endpoint?: string;
  readonly event?: string;
  readonly status?: 'delivered' | 'failed';
  readonly limit: number;
}

export function webhooksLogCommand(): Command {
  return new Command('log')
    .description('list the attempts to deliver events, the latest first')
    .option('--endpoint <id>', 'to one receiver', idArgument)
    .option('--event <id>', 'of one event: its webhook-id', idArgument)
    .addOption(new Option('--status <status>', 'only these').choices(['delivered', 'failed']))
    .option('--limit <count>', 'at most so many', integerArgument(1, 10_000), 50)
    .addHelpText(
      'after',
      `
--json also has the beginning of each answer.

Example:
  npm run cli -- webhooks log --status failed --limit 20`,
    )
    .action(async ({ endpoint, event, status, limit }: Options, command: Command) => {
      const filters = { endpointId: endpoint, eventId: event, outcome: status };
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
            { head: 'result', value: ({ error, status }) => error ?? `answered ${status}` },
            { head: 'now', value: (row) => row.state },
            { head: 'next attempt', value: (row) => row.next_attempt_at },
          ],
          attempts,
          'no attempts',
        ),
      );
      if (attempts.length === limit) note(`The latest ${limit}; more with --limit.`);
    });
}
