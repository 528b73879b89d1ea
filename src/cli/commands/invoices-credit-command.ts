import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { creditLine, planCredit, type CreditedLine } from '../../db/invoices/credit.ts';
import { findDocument } from '../../db/invoices/credit-rows.ts';
import { showNote, type NoteView } from '../../db/invoices/note-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { amountHint, formatMoney, parseAmount } from '../../domain/format.ts';
import { integerArgument, reasonArgument, requestIdArgument } from '../arguments.ts';
import { CliError, capitalize } from '../cli-error.ts';
import { confirm, yesOption, type Confirmation } from '../confirm.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { actor, operatorAction } from '../record-action.ts';

interface Options {
  readonly line: number;
  readonly amount: string;
  readonly reason: string;
  readonly requestId?: string;
  readonly yes?: boolean;
}

export function invoicesCreditCommand(): Command {
  return new Command('credit')
    .description('credit an amount on a line: issues an adjustment note')
    .argument('<document>', 'number or id of the invoice, or of an adjustment note')
    .requiredOption(
      '--line <number>',
      'number of the line, as in `invoices show`',
      integerArgument(1, 999_999_999),
    )
    .requiredOption('--amount <amount>', 'amount before tax, such as 12.50')
    .requiredOption('--reason <text>', 'reason, printed on the adjustment note', reasonArgument)
    .option(
      '--request-id <id>',
      'idempotency key: repeating the command with it gives no second credit',
      requestIdArgument,
    )
    .addOption(yesOption())
    .addHelpText(
      'after',
      `
A credit is at most what is left of the line, after reruns and earlier credits. The note also credits the tax
on it, and settles the invoice: a forced rerun then issues adjustment notes instead of revisions. A credit
can't be undone.

Example:
  npm run cli -- invoices credit acme-000007 --line 3 --amount 12.50 --reason "outage of 12 May"`,
    )
    .action(async (idOrNumber: string, options: Options, command: Command) => {
      const env = readEnvironment(process.env);
      const { requestId = randomUUID() } = options;
      await confirm(options, () =>
        withDatabase(env, async (db) => describe(db, await readCredit(db, idOrNumber, options))),
      );
      const done = await operatorAction(
        command,
        env,
        async (db) => {
          const credit = await readCredit(db, idOrNumber, options);
          const { reason } = options;
          const result = await creditLine(db, { ...credit, reason, requestId, actor: actor() });
          switch (result.outcome) {
            case 'credited': {
              const note = await showNote(db, result.noteId);
              if (note === null) throw new Error(`the note of request ${requestId} can't be read`);
              return { ...note, is_new: result.isNew };
            }
            case 'conflict':
              throw new CliError(`Request id ${requestId} was already used with different content`);
            case 'refused':
            case 'unknown':
              throw new CliError(capitalize(result.reason));
          }
        },
        { request_id: requestId },
      );
      print(command, done, renderCredit);
    });
}

/** @throws CliError if there is no such document, or the amount isn't one of its currency */
async function readCredit(
  db: Queryable,
  idOrNumber: string,
  { line: lineNo, amount }: Options,
): Promise<CreditedLine> {
  const document = await findDocument(db, idOrNumber);
  if (document === null) throw new CliError(`There is no invoice ${idOrNumber}`);
  const { documentId, currency } = document;
  const amountCents = parseAmount(amount, currency);
  if (amountCents === null || amountCents === 0) {
    throw new CliError(`--amount: ${amountHint(amount, currency, 'above 0')}`);
  }
  return { documentId, lineNo, amountCents };
}

async function describe(db: Queryable, credit: CreditedLine): Promise<Confirmation> {
  const planned = await planCredit(db, credit);
  if (planned.outcome !== 'possible') throw new CliError(capitalize(planned.reason));
  const { currency, leftCents, line, note } = planned;
  const show = (cents: number) => formatMoney(cents, currency);
  return {
    consequences: [
      `Line ${line.lineNo} of ${line.number}, ${line.description}: ${show(leftCents)} can be credited.`,
      `The adjustment note would credit ${show(credit.amountCents)} and tax of ${show(-note.taxCents)}, ` +
        `${show(-note.totalCents)} in all.`,
      "A credit can't be undone.",
    ],
    question: `Credit ${show(credit.amountCents)}?`,
  };
}

function renderCredit({ is_new, ...note }: NoteView & { readonly is_new: boolean }): string {
  const { number, adjusts_number, total_cents, currency } = note;
  const what = `adjustment note ${number} of ${formatMoney(total_cents, currency)} on invoice ${adjusts_number}`;
  return is_new ? `Issued ${what}.` : `The credit was already given: ${what}. Nothing changed.`;
}
