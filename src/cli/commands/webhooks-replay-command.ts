import { Command } from 'commander';
import { replayEvents } from '../../db/webhooks/webhook-replays.ts';
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
    .description('deliver an event again, or all events since an instant to one endpoint')
    .argument('[event-id]', 'webhook-id of the event, as in `webhooks log`', idArgument)
    .option(
      '--since <instant>',
      'deliver all events since this instant; requires --endpoint',
      instantArgument,
    )
    .option(
      '--endpoint <id>',
      'only to this endpoint, if it subscribes to the event type',
      idArgument,
    )
    .option('--dead-only', 'only deliveries that were given up')
    .addHelpText(
      'after',
      `
Deliveries keep their webhook-id and get a full set of new attempts. A worker sends them within seconds.

Example:
  npm run cli -- webhooks replay --since 2026-06-01T00:00:00Z --endpoint 6f1c0a52-… --dead-only`,
    )
    .action(async (eventId: string | undefined, options: Options, command: Command) => {
      const { since, endpoint = null, deadOnly = false } = options;
      if ((eventId === undefined) === (since === undefined)) {
        throw new CliError('Give either an event id or --since');
      }
      if (since !== undefined && endpoint === null) {
        throw new CliError('--since requires --endpoint');
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
          ? 'Nothing to deliver: no live endpoint subscribes to these events.'
          : `${deliveries} ${deliveries === 1 ? 'delivery is' : 'deliveries are'} pending.`,
      );
    });
}
