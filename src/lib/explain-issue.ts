import type { z } from 'zod';

/**
 * Zod's own messages, except for a missing value: JSON and the environment have no `undefined`. Pass it to each
 * parse of data from outside (`{ error: explainIssue }`). A schema's own messages take precedence.
 */
export const explainIssue: z.core.$ZodErrorMap = ({ code, input }) =>
  input === undefined && code !== 'custom' ? 'is missing' : undefined;

/** Joins a location and a message: `name is missing`, `qty: Invalid input: expected number, received string`. */
export function sayOf(place: string, message: string): string {
  if (place === '') return message;
  return message === 'is missing' ? `${place} ${message}` : `${place}: ${message}`;
}
