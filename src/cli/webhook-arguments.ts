import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../contracts/webhooks.ts';
import { CliError } from './errors.ts';

/** Types of events on the command line, or `all`. */
export function eventTypeArgument(
  text: string,
  previous: readonly WebhookEventType[] = [],
): readonly WebhookEventType[] {
  if (text === 'all') return WEBHOOK_EVENT_TYPES;
  const type = WEBHOOK_EVENT_TYPES.find((known) => known === text);
  if (type !== undefined) return [...previous, type];
  throw new InvalidArgumentError(`expected ${WEBHOOK_EVENT_TYPES.join(', ')} or all`);
}

/** The id of an endpoint or an event. */
export function idArgument(text: string): string {
  if (z.uuid().safeParse(text).success) return text;
  throw new InvalidArgumentError('expected an id such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301');
}

/** No live endpoint has the id that a user gave. */
export function unknownEndpoint(endpointId: string): CliError {
  return new CliError(
    `There is no live webhook endpoint with the id ${endpointId}: see \`webhooks list\``,
  );
}
