import { Command } from 'commander';
import { applyTaxEntry, applyTaxFrom } from '../apply-tax.ts';
import { CliError } from '../cli-error.ts';
import { readInputFile } from '../read-input-file.ts';

export function taxApplyCommand(): Command {
  return new Command('apply')
    .description('import tax treatments, GST registrations and exchange rates from a JSON file')
    .argument('<file>', 'tax file')
    .addHelpText(
      'after',
      `
Applies the whole file, or nothing if it has an error. Applying it again changes nothing. A treatment never
changes: a new rate gets a new code. An entry with "replace": true corrects what is recorded for its month.

Example:
  npm run cli -- tax apply tax.json`,
    )
    .action(async (path: string, _options, command: Command) => {
      await applyTaxFrom(command, await readInputFile(path));
    });
}

export function taxAddCommand(): Command {
  return new Command('add')
    .description('add a tax treatment')
    .argument('<code>', 'code of the treatment, such as nz-export')
    .requiredOption('--label <text>', 'what the tax is called on invoices, such as GST')
    .requiredOption('--rate <share>', 'share of the subtotal: 0.10 is 10 %')
    .option('--note <text>', 'text printed on invoices, such as why a supply is free of GST')
    .addHelpText(
      'after',
      `
A treatment never changes: a new rate gets a new code. Assign it to tenants with \`tax assign\`.

Example:
  npm run cli -- tax add nz-export --label GST --rate 0 --note "GST-free: supplied outside Australia."`,
    )
    .action(
      async (
        code: string,
        options: { label: string; rate: string; note?: string },
        command: Command,
      ) => {
        await applyTaxEntry(command, { treatments: [{ code, ...options }] });
      },
    );
}

export function taxAssignCommand(): Command {
  return new Command('assign')
    .description('assign a tax treatment to a tenant from a month on')
    .argument('<tenant>', 'id of the tenant')
    .argument('<treatment>', 'code of the treatment')
    .requiredOption('--from <month>', 'first month that is taxed by it, such as 2026-05')
    .option('--replace', 'correct the treatment that is recorded from the same month on')
    .addHelpText(
      'after',
      `
Invoices that are already issued keep their treatment until they are forced; a warning names their months.

Example:
  npm run cli -- tax assign acme nz-export --from 2026-05`,
    )
    .action(
      async (
        tenant_id: string,
        treatment: string,
        options: { from: string; replace?: boolean },
        command: Command,
      ) => {
        await applyTaxEntry(command, { assignments: [{ tenant_id, treatment, ...options }] });
      },
    );
}

export function taxRegistrationCommand(): Command {
  return new Command('registration')
    .description('record from which month the seller is, or is not, registered for GST')
    .argument('<state>', 'registered or unregistered')
    .requiredOption('--from <month>', 'first month that it holds for, such as 2026-07')
    .option('--replace', 'correct what is recorded for the same month')
    .addHelpText(
      'after',
      `
A seller that is not registered charges no tax, and its documents are called "Invoice". Without any entry
the seller is registered.

Example:
  npm run cli -- tax registration unregistered --from 2026-07`,
    )
    .action(
      async (state: string, options: { from: string; replace?: boolean }, command: Command) => {
        if (state !== 'registered' && state !== 'unregistered') {
          throw new CliError(`${JSON.stringify(state)} is neither registered nor unregistered`);
        }
        const registered = state === 'registered';
        await applyTaxEntry(command, { gst_registrations: [{ registered, ...options }] });
      },
    );
}

export function exchangeRatesAddCommand(): Command {
  return new Command('add')
    .description('record the exchange rate of a month')
    .argument('<from>', 'currency of invoices, such as USD')
    .argument('<to>', 'currency of the tax, AUD')
    .argument('<month>', 'month of the invoices, such as 2026-05')
    .argument('<rate>', 'how many units of <to> one unit of <from> is worth')
    .requiredOption('--source <text>', 'where the rate was published')
    .option('--replace', 'correct the rate that is recorded for the same month')
    .addHelpText(
      'after',
      `
A tax invoice in another currency shows its tax in AUD by the rate of its month. Without that rate its tenant
is parked. Invoices that are already issued keep their rate.

Example:
  npm run cli -- exchange-rates add USD AUD 2026-05 1.5321 --source "RBA, average of the month"`,
    )
    .action(
      async (
        from: string,
        to: string,
        month: string,
        rate: string,
        options: { source: string; replace?: boolean },
        command: Command,
      ) => {
        await applyTaxEntry(command, { exchange_rates: [{ from, to, month, rate, ...options }] });
      },
    );
}
