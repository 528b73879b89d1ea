import { Command, Option } from 'commander';
import { ForeignKeyIntegrityConstraintViolationError } from 'slonik';
import { SCOPES, createKey, type NewApiKey, type Scope } from '../../db/access/api-keys.ts';
import { isCurrency } from '../../domain/currency.ts';
import { readEnvironment } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { expiryOf, expiryOptions, type ExpiryOptions } from '../key-lifecycle.ts';
import { operatorAction } from '../record-action.ts';
import { print, snakeCaseKeys } from '../output.ts';

interface Options extends ExpiryOptions {
  readonly scope: Scope;
  readonly tenant?: string;
  readonly currency?: string;
  readonly label: string;
}

export function keysCreateCommand(): Command {
  const create = new Command('create');
  expiryOptions().forEach((option) => create.addOption(option));
  return create
    .description('create an API key and print it, once')
    .addOption(
      new Option('--scope <scope>', 'what the key may do')
        .choices([...SCOPES])
        .makeOptionMandatory(),
    )
    .option('--tenant <id>', 'tenant of the key; required for scope tenant')
    .option('--currency <code>', "currency of LiteLLM's costs; only for scope gateway; default USD")
    .requiredOption('--label <text>', 'user of the key, shown in `keys list` and in logs')
    .addHelpText(
      'after',
      `
Without --expires-in or --expires-at, the key works until it is revoked.

Examples:
  npm run cli -- keys create --scope gateway --label "LLM gateway, production" --expires-in 365d
  npm run cli -- keys create --scope tenant --tenant acme --label "Acme's portal"`,
    )
    .action(async (options: Options, command: Command) => {
      const newKey = toNewKey(options, new Date());
      const key = await operatorAction(command, readEnvironment(process.env), (db) =>
        createKey(db, newKey).catch((error: unknown) => {
          if (!(error instanceof ForeignKeyIntegrityConstraintViolationError)) throw error;
          throw new CliError(`There is no tenant ${options.tenant}`, { cause: error });
        }),
      );
      const { plainKey, ...rest } = key;
      print(
        command,
        { ...rest, key: plainKey },
        ({ key, keyId }) =>
          [key, `Save this key now: only its hash is stored. Its id is ${keyId}.`].join('\n'),
        snakeCaseKeys,
      );
    });
}

function toNewKey({ scope, tenant, currency, label, ...expiry }: Options, now: Date): NewApiKey {
  const expiresAt = expiryOf(expiry, now) ?? null;
  if (currency !== undefined) {
    if (scope !== 'gateway') throw new CliError('--currency requires --scope gateway');
    if (!isCurrency(currency)) {
      throw new CliError(`${currency} is not a currency of ISO 4217, such as USD`);
    }
  }
  if (scope !== 'tenant') {
    if (tenant !== undefined) throw new CliError('--tenant requires --scope tenant');
    return scope === 'gateway'
      ? { scope, label, expiresAt, ...(currency !== undefined && { currency }) }
      : { scope, label, expiresAt };
  }
  if (tenant === undefined) throw new CliError('--scope tenant requires --tenant');
  return { scope, tenantId: tenant, label, expiresAt };
}
