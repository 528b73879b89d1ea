import { CliError } from './errors.ts';

/** No key has the id that a user gave. */
export function unknownKey(keyId: string): CliError {
  return new CliError(`There is no key with the id ${keyId}: see \`keys list\``);
}
