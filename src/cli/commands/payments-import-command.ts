import { Command, Option } from 'commander';
import { counted, formatMoney } from '../../domain/format.ts';
import { readUtf8, sayNotUtf8 } from '../../lib/strict-bytes.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { readEnvironment } from '../environment.ts';
import { print } from '../output.ts';
import {
  BankFileError,
  DATE_ORDERS,
  parseBankFile,
  type BadRow,
  type BankFormat,
  type DateOrder,
} from '../payments/bank-file.ts';
import { importPayments, type ImportResult } from '../payments/import-payments.ts';
import { describeInputFile, readInputFile } from '../read-input-file.ts';
import { actor, operatorAction } from '../record-action.ts';

interface Options {
  readonly date: string;
  readonly amount: string;
  readonly invoiceNumber: string;
  readonly reference: string;
  readonly paymentId: string;
  readonly dateOrder: DateOrder;
  readonly method: string;
  readonly dryRun?: boolean;
}

export function paymentsImportCommand(): Command {
  return new Command('import')
    .description("record the payments of a bank's CSV export")
    .argument('<file>', 'CSV whose first row names the columns')
    .option('--date <column>', 'column of the value date', 'date')
    .option('--amount <column>', 'column of the amount', 'amount')
    .option('--invoice-number <column>', 'column of the invoice number', 'invoice_number')
    .option('--reference <column>', "column of the payer's reference", 'reference')
    .option('--payment-id <column>', "column of the payment's id", 'payment_id')
    .addOption(
      new Option('--date-order <order>', 'how dates are written')
        .choices([...DATE_ORDERS])
        .default('ymd'),
    )
    .option('--method <text>', 'method of all payments of the file', 'bank transfer')
    .option('--dry-run', 'show what would be recorded, and record nothing')
    .addHelpText(
      'after',
      `
Only the columns of date and amount are required. Amounts are in the invoice's currency, such as 1,234.50;
a refund is negative. Without an invoice number, the number is looked for in the reference. Without an id, one
is derived from the row: importing the file again records nothing twice. Rows that can't be matched are listed
with their line and the reason, and don't affect the others. Exit code 3 means that there are such rows.

Examples:
  npm run cli -- payments import june.csv --dry-run
  npm run cli -- payments import export.csv --date "Value date" --amount Credit --reference Narrative \\
    --date-order dmy`,
    )
    .action(async (path: string, options: Options, command: Command) => {
      const { method, dryRun = false } = options;
      const file = await readInputFile(path);
      const read = readUtf8(file.bytes);
      if (!read.ok) throw new CliError(sayNotUtf8(file.name, read.encoding));
      const { rows, bad } = parse(file.name, read.text, options);
      const imported = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => importPayments(db, rows, { actor: actor(), method, dryRun }),
        describeInputFile(file),
      );
      const problems = [...imported.problems, ...bad].sort((a, b) => a.line - b.line);
      const result = { ...imported, problems, rows: rows.length + bad.length, dryRun };
      print(command, result, renderImport, toJson);
      if (problems.length > 0) process.exitCode = EXIT_WRONG;
    });
}

type Result = ImportResult & {
  readonly problems: readonly BadRow[];
  readonly rows: number;
  readonly dryRun: boolean;
};

/** @throws CliError */
function parse(name: string, text: string, options: Options) {
  const format: BankFormat = {
    columns: {
      date: options.date,
      amount: options.amount,
      invoice_number: options.invoiceNumber,
      reference: options.reference,
      payment_id: options.paymentId,
    },
    dateOrder: options.dateOrder,
  };
  try {
    return parseBankFile(text, format);
  } catch (error) {
    if (error instanceof BankFileError) throw new CliError(`${name}: ${error.message}`);
    throw error;
  }
}

/** What was recorded, and each row that was not, with the reason. */
export function renderImport({ counts, recorded, problems, rows, dryRun }: Result): string {
  const sums = recorded.map(
    ({ currency, payments, amountCents }) =>
      `  ${formatMoney(amountCents, currency)} in ${counted(payments, 'payment')}`,
  );
  return [
    `${counted(rows, 'row')}: ${counts.recorded} ${dryRun ? 'would be recorded' : 'recorded'}, ` +
      `${counts.duplicate} recorded before, ${problems.length} not recorded`,
    ...sums,
    ...(problems.length > 0 ? ['', 'Not recorded:'] : []),
    ...problems.map(({ line, reason }) => `  line ${line}: ${reason}`),
  ].join('\n');
}

function toJson({ counts, recorded, problems, rows, dryRun }: Result): object {
  return {
    dry_run: dryRun,
    rows,
    counts: { ...counts, not_recorded: problems.length },
    recorded: recorded.map(({ currency, payments, amountCents }) => ({
      ...{ currency, payments, amount_cents: amountCents },
    })),
    not_recorded: problems,
  };
}
