import { Command, Option } from 'commander';
import { ForeignKeyIntegrityConstraintViolationError } from 'slonik';
import { SCOPES, createKey, type NewApiKey, type Scope } from '../../db/api-keys.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../errors.ts';
import { print } from '../output.ts';

interface Options {
  readonly scope: Scope;
  readonly tenant?: string;
  readonly label: string;
}

export function keysCreateCommand(): Command {
  return new Command('create')
    .description('make an API key; its text is shown this once')
    .addOption(
      new Option('--scope <scope>', 'what it may do').choices([...SCOPES]).makeOptionMandatory(),
    )
    .option('--tenant <id>', 'whose it is, for the scope tenant')
    .requiredOption('--label <text>', 'who uses it, for your own records and the logs')
    .addHelpText(
      'after',
      `
Examples:
  npm run cli -- keys create --scope gateway --label "LLM gateway, production"
  npm run cli -- keys create --scope tenant --tenant acme --label "Acme's portal"`,
    )
    .action(async (options: Options, command: Command) => {
      const newKey = toNewKey(options);
      const key = await withDatabase(readEnvironment(process.env), (db) =>
        createKey(db, newKey),
      ).catch((error: unknown) => {
        if (!(error instanceof ForeignKeyIntegrityConstraintViolationError)) throw error;
        throw new CliError(`There is no tenant ${options.tenant}`, { cause: error });
      });
      const { plainKey, ...rest } = key;
      print(command, { ...rest, key: plainKey }, () =>
        [plainKey, `Keep it now: only its hash is stored. Its id is ${key.keyId}.`].join('\n'),
      );
    });
}

function toNewKey({ scope, tenant, label }: Options): NewApiKey {
  if (scope !== 'tenant') {
    if (tenant !== undefined) throw new CliError('--tenant is for the scope tenant only');
    return { scope, label };
  }
  if (tenant === undefined) throw new CliError('The scope tenant needs --tenant');
  return { scope, tenantId: tenant, label };
}
