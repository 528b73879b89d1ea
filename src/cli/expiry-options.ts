import { Option } from 'commander';
import { instantArgument } from './arguments.ts';
import { durationArgument } from './duration.ts';
import { CliError } from './errors.ts';

/** What `expiryOptions` adds to a command's options. */
export interface ExpiryOptions {
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly expiresAt?: Date;
}

/** When a new key ends. */
export function expiryOptions(): readonly Option[] {
  return [
    new Option('--expires-in <duration>', 'such as 90d or 12h')
      .argParser(durationArgument)
      .conflicts('expiresAt'),
    new Option('--expires-at <instant>', 'such as 2027-01-01T00:00:00Z').argParser(instantArgument),
  ];
}

/**
 * @returns undefined where the user didn't say
 * @throws CliError where it would be over already
 */
export function expiryOf({ expiresIn, expiresAt }: ExpiryOptions, now: Date): Date | undefined {
  const expiry = expiresIn === undefined ? expiresAt : new Date(now.getTime() + expiresIn);
  if (expiry === undefined || expiry > now) return expiry;
  throw new CliError(`A key that expires at ${expiry.toISOString()} has expired already`);
}
