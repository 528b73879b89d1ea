import { InvalidArgumentError, Option } from 'commander';
import ms, { type StringValue } from 'ms';
import { z } from 'zod';
import { reasonSchema, requestIdSchema } from '../contracts/request-payload.ts';
import { DomainError } from '../domain/errors.ts';
import { parseDate, parseServiceMonth, type Month } from '../domain/period.ts';
import { parseUtcInstant } from '../ingestion/instant.ts';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from '../contracts/webhook-types.ts';
import { text } from '../ingestion/usage-fields.ts';
import { CliError } from './cli-error.ts';
import { MAX_TENANTS_PER_CHILD, type MonthEndOptions } from '../contracts/month-end-types.ts';

/** Parses a month on the command line. */
export function monthArgument(text: string): Month {
  try {
    return parseServiceMonth(text);
  } catch (error) {
    if (error instanceof DomainError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Parses a calendar date. */
export function dateArgument(text: string): string {
  try {
    parseDate(text);
    return text;
  } catch (error) {
    if (error instanceof DomainError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** Returns a parser for a whole number within bounds. */
export function integerArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

/** Parses an RFC 3339 instant. */
export function instantArgument(text: string): Date {
  const instant = parseUtcInstant(text);
  if (instant !== null) return new Date(instant.epochMs);
  throw new InvalidArgumentError('expected an RFC 3339 instant such as 2027-01-01T00:00:00Z');
}

/** Parses a reason, by the same rule as the API and the signals. */
export function reasonArgument(text: string): string {
  const parsed = reasonSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('expected 1 to 1000 characters without control characters');
}

/** Parses a request id, by the same rule as the API and the signals. */
export function requestIdArgument(text: string): string {
  if (requestIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError('expected 1 to 200 visible ASCII characters');
}

/** A number and one unit, spelled as in Temporal's options and `ms`; a day has 24 hours. */
const DURATION = /^\d{1,5}[mhdw]$/;

/**
 * Parses a duration on the command line, such as `90d`.
 * @returns milliseconds
 */
export function durationArgument(text: string): number {
  if (DURATION.test(text)) return ms(text as StringValue);
  throw new InvalidArgumentError(
    'expected minutes, hours, days or weeks, such as 30m, 12h, 90d, 2w',
  );
}

/** Collects event types on the command line, or `all` of them. */
export function eventTypeArgument(
  type: string,
  previous: readonly WebhookEventType[] = [],
): readonly WebhookEventType[] {
  if (type === 'all') return WEBHOOK_EVENT_TYPES;
  const known = WEBHOOK_EVENT_TYPES.find((each) => each === type);
  if (known !== undefined) return [...previous, known];
  throw new InvalidArgumentError(`expected ${WEBHOOK_EVENT_TYPES.join(', ')} or all`);
}

/** Parses a label by the API's rule. */
export function labelArgument(label: string): string {
  return parsedBy(text(200))(label);
}

/** Returns a parser for what a schema of the API accepts. */
export function parsedBy(schema: z.ZodType<string>): (value: string) => string {
  return (value) => {
    const { success, data, error } = schema.safeParse(value);
    if (success) return data;
    throw new InvalidArgumentError(error.issues.map(({ message }) => message).join('; '));
  };
}

/** Parses the id of an endpoint or an event. */
export function idArgument(id: string): string {
  if (z.uuid().safeParse(id).success) return id;
  throw new InvalidArgumentError('expected an id such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301');
}

/** The error for an endpoint id that no live endpoint has. */
export function unknownEndpoint(endpointId: string): CliError {
  return new CliError(
    `There is no live webhook endpoint with id ${endpointId}. See \`webhooks list\`.`,
  );
}

/** The option for how many tenants share a child workflow; by default each tenant has its own. */
export function tenantsPerChildOption(): Option {
  return new Option(
    '--tenants-per-child <count>',
    'number of tenants per child workflow; 25 is several times faster with thousands of tenants',
  ).argParser(integerArgument(1, MAX_TENANTS_PER_CHILD));
}

export function toMonthEndOptions(
  tenantsPerChild: number | undefined,
): MonthEndOptions | undefined {
  return tenantsPerChild === undefined ? undefined : { tenantsPerChild };
}
