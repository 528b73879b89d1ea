import { Command } from 'commander';
import { replayEvents } from '../../db/webhooks/webhook-deliveries.ts';
import { instantArgument, idArgument } from '../arguments.ts';
import { readEnvironment } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { requireKnown } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';

interface Options {
  readonly since?: Date;
  readonly endpoint?: string;
  readonly deadOnly?: boolean;
}

export function webhooksReplayCommand(): Command {
  return new Command('replay')
    .description('deliver an event again, or all since an instant to one receiver')
    .argument('[event-id]', 'its webhook-id, as `webhooks log` shows it', idArgument)
    .option('--since <instant>', 'all events from then on; with --endpoint', instantArgument)
    .option('--endpoint <id>', 'to this receiver, where it asks for the type', idArgument)
    .option('--dead-only', 'leave alone what was not given up')
    .addHelpText(
      'after',
      `
Under the same webhook-id, with all attempts before them; a worker sends them within some seconds.

Example:
  npm run cli -- webhooks replay --since 2026-06-01T00:00:00Z --endpoint 6f1c0a52-… --dead-only`,
    )
    .action(async (eventId: string | undefined, options: Options, command: Command) => {
      const { since, endpoint = null, deadOnly = false } = options;
      if ((eventId === undefined) === (since === undefined)) {
        throw new CliError('Name an event, or say --since when');
      }
      if (since !== undefined && endpoint === null) {
        throw new CliError('Say to whom by --endpoint: --since reaches many events');
      }
      const deliveries = await operatorAction(command, readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'webhook endpoint', endpoint ?? undefined);
        await requireKnown(db, 'webhook event', eventId);
        return replayEvents(db, {
          ...{ endpointId: endpoint, eventId: eventId ?? null, deadOnly },
          since: since?.toISOString() ?? null,
        });
      });
      print(command, { deliveries }, ({ deliveries }) =>
        deliveries === 0
          ? 'Nothing to deliver: no receiver that is live asks for it.'
          : `${deliveries} ${deliveries === 1 ? 'delivery is' : 'deliveries are'} pending.`,
      );
    });
}
