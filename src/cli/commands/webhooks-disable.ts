import { Command } from 'commander';
import { disableWebhookEndpoint } from '../../db/webhooks/webhook-endpoints.ts';
import { actor } from '../actor.ts';
import { readEnvironment } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';
import { idArgument, unknownEndpoint } from '../webhook-arguments.ts';

export function webhooksDisableCommand(): Command {
  return new Command('disable')
    .description('end a receiver of events, for good; what is still pending is given up')
    .argument('<endpoint-id>', 'as `webhooks list` shows it', idArgument)
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
