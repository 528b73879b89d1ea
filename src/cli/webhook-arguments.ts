import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../contracts/webhooks.ts';
import { text } from '../ingestion/fields.ts';
import { CliError } from './errors.ts';

/** Types of events on the command line, or `all`. */
export function eventTypeArgument(
  type: string,
  previous: readonly WebhookEventType[] = [],
): readonly WebhookEventType[] {
  if (type === 'all') return WEBHOOK_EVENT_TYPES;
  const known = WEBHOOK_EVENT_TYPES.find((each) => each === type);
  if (known !== undefined) return [...previous, known];
  throw new InvalidArgumentError(`expected ${WEBHOOK_EVENT_TYPES.join(', ')} or all`);
}

/** A label, as the API takes it. */
export function labelArgument(label: string): string {
  const { success, error } = text(200).safeParse(label);
  if (success) return label;
  throw new InvalidArgumentError(error.issues.map(({ message }) => message).join('; '));
}

/** The id of an endpoint or an event. */
export function idArgument(id: string): string {
  if (z.uuid().safeParse(id).success) return id;
  throw new InvalidArgumentError('expected an id such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301');
}

/** No live endpoint has the id that a user gave. */
export function unknownEndpoint(endpointId: string): CliError {
  return new CliError(
    `There is no live webhook endpoint with the id ${endpointId}: see \`webhooks list\``,
  );
}
