import { assembleNote } from '../domain/adjustment.ts';
import { creditsGiven, findCredited, leftToCredit, lineOfCredit } from '../domain/credit.ts';
import { formatMoney } from '../domain/format.ts';
import type { Period } from '../domain/period.ts';
import { differencesOfNote, soFarOf, type StoredDocument } from './note-chain.ts';

/**
 * Checks the last document of a chain, an operator's credit: that it credits a line, at most what was left of it, and
 * that its lines and tax follow from that.
 */
export function checkCredit(
  chain: readonly StoredDocument[],
  period: Period,
): { readonly wrongLines?: readonly string[]; readonly wrongCredits: readonly string[] } {
  const before = chain.slice(0, -1);
  const note = chain.at(-1);
  const charged = before
    .filter(({ origin }) => origin !== 'credit')
    .flatMap(({ number, lines }) => lines.map((line) => ({ ...line, number })));
  const [credit, ...others] = creditsGiven(note?.lines ?? []);
  const line = credit && findCredited(charged, credit);
  if (!note || !credit || !line || others.length > 0) {
    return {
      wrongCredits: [`adjustment note ${note?.number} does not credit one line of its invoice`],
    };
  }
  const { currency, tax } = note;
  const left = leftToCredit(
    line,
    charged,
    before.flatMap(({ lines }) => creditsGiven(lines)),
  );
  const again = assembleNote([lineOfCredit(line, credit.amountCents)], soFarOf(before), {
    month: period.month,
    currency,
    tax: { ...tax, audRate: tax.aud },
  });
  return {
    wrongLines: differencesOfNote(note, again),
    wrongCredits:
      credit.amountCents > 0 && credit.amountCents <= left
        ? []
        : [
            `adjustment note ${note.number} credits ${formatMoney(credit.amountCents, currency)} of line ` +
              `${line.lineNo} of ${line.number}, of which ${formatMoney(left, currency)} was left`,
          ],
  };
}
