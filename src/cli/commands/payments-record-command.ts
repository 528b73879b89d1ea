import { Command } from 'commander';
import { recordPayments } from '../../db/invoices/payments.ts';
import { amountHint, formatMoney, parseSignedAmount } from '../../domain/format.ts';
import { paymentFields, toNewPayment } from '../../catalogue/payment-fields.ts';
import { explainIssue } from '../../lib/explain-issue.ts';
import { dateArgument } from '../arguments.ts';
import { CliError, capitalize } from '../cli-error.ts';
import { readEnvironment } from '../environment.ts';
import { print } from '../output.ts';
import { requireInvoice } from '../preconditions.ts';
import { actor, operatorAction } from '../record-action.ts';
import { balanceText } from '../render/payments-text.ts';

interface Options {
  readonly paymentId: string;
  readonly amount: string;
  readonly receivedOn: string;
  readonly method?: string;
  readonly reference?: string;
}

export function paymentsRecordCommand(): Command {
  return new Command('record')
    .description('record a payment for an invoice')
    .argument('<invoice>', 'number or id of the invoice')
    .requiredOption(
      '--amount <amount>',
      "amount in the invoice's currency; negative for a reversal",
    )
    .requiredOption('--received-on <date>', 'value date, such as 2026-06-12', dateArgument)
    .requiredOption('--payment-id <id>', "the payment's id in your bank or ledger")
    .option('--method <text>', 'such as "bank transfer"')
    .option('--reference <text>', "the payer's reference")
    .addHelpText(
      'after',
      `
The id counts once: repeating the command records nothing more. Payments can't be changed; record a reversal
with a negative amount instead. From its first payment on an invoice is settled: forcing its month issues an
adjustment note, and it can't be voided.

Examples:
  npm run cli -- payments record acme-000001 --amount 59.13 --received-on 2026-06-12 \\
    --payment-id bank-4711
  npm run cli -- payments record acme-000001 --amount -59.13 --received-on 2026-06-15 \\
    --payment-id bank-4712 --reference "returned by the bank"`,
    )
    .action(async (idOrNumber: string, options: Options, command: Command) => {
      const done = await operatorAction(command, readEnvironment(process.env), async (db) => {
        const { number, currency } = await requireInvoice(db, idOrNumber);
        const payment = toNewPayment(readPayment(options, number, currency));
        const [result] = await recordPayments(db, [payment], { actor: actor() });
        if (result === undefined) throw new Error('the payment has no result');
        if ('reason' in result) throw new CliError(capitalize(result.reason));
        return {
          payment_id: payment.paymentId,
          status: result.status,
          amount_cents: payment.amountCents,
          invoice_number: result.invoiceNumber,
          currency: result.currency,
          payment_status: result.paymentStatus,
          balance_cents: result.balanceCents,
        };
      });
      print(command, done, (done) => {
        const { invoice_number, currency, amount_cents } = done;
        const what = `${formatMoney(amount_cents, currency)} for invoice ${invoice_number}`;
        const said =
          done.status === 'recorded'
            ? `Recorded ${what}.`
            : `${what} was already recorded; nothing changed.`;
        return `${said} ${balanceText(done)}`;
      });
    });
}

/** @throws CliError */
function readPayment(options: Options, number: string, currency: string) {
  const { paymentId, amount, receivedOn, method, reference } = options;
  const amountCents = parseSignedAmount(amount, currency);
  if (amountCents === null) {
    throw new CliError(`--amount: ${amountHint(amount, currency, 'other than 0')}`);
  }
  const { success, data, error } = paymentFields.safeParse(
    {
      payment_id: paymentId,
      invoice_number: number,
      amount_cents: amountCents,
      received_on: receivedOn,
      method,
      reference,
    },
    { error: explainIssue },
  );
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`);
  throw new CliError(problems.join('; '));
}
