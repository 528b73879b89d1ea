import type { DocumentSource, UsedDays } from '../db/invoices/invoice-documents.ts';
import { formatDate } from '../display/dates.ts';
import { amountText, lineText } from '../display/line-text.ts';
import { OTHER_MODELS_TEXT, shareOfTotal } from '../display/model-text.ts';
import type { LlmDay } from '../domain/daily-figures.ts';
import { groupDigits } from '../domain/format.ts';
import type { Appendix, DocumentLine, LineGroup } from './billing-document.ts';

/**
 * Returns the usage behind a document's lines by day and model; null if it wasn't asked for, or its events have expired.
 * Charges are exact: only lines are rounded.
 */
export function dayAppendix({
  number,
  lines,
  currency,
  days = [],
}: DocumentSource): Appendix | null {
  const groups = days.flatMap((used): LineGroup[] => {
    const line = lines.find(({ line_no }) => line_no === used.line_no);
    if (line === undefined) return [];
    const rows = [...llmRows(used, currency), ...quantityRows(used)];
    const heading = [line.deployment_id, lineText(line, currency).name].filter(Boolean).join(', ');
    return rows.length === 0 ? [] : [{ heading, lines: rows }];
  });
  if (groups.length === 0) return null;
  return {
    title: 'Usage by day',
    caption: `Usage of ${number} by day, exact charges in ${currency}`,
    heads: ['Day', 'Requests or quantity', 'Share', 'Charges'],
    groups,
  };
}

function llmRows({ line_no, month, figures: { llm } }: UsedDays, currency: string): DocumentLine[] {
  if (llm === null) return [];
  const { models, exactCents: total } = llm;
  const modelsOf = ({ byModel }: LlmDay): readonly string[] =>
    models.length < 2
      ? []
      : models.flatMap((model, at) => {
          const cents = byModel[at] ?? '0';
          return cents === '0'
            ? []
            : `${model ?? OTHER_MODELS_TEXT}: ${amountText(cents, currency)}`;
        });
  return llm.days.flatMap((day, index): DocumentLine | [] => {
    const { requests, exactCents } = day;
    if (requests === 0 && exactCents === '0') return [];
    return {
      lineNo: line_no,
      name: dateOf(month, index),
      details: modelsOf(day),
      figures: [
        groupDigits(requests),
        shareOfTotal(exactCents, total),
        amountText(exactCents, currency),
      ],
    };
  });
}

function quantityRows({ line_no, month, figures: { kinds } }: UsedDays): DocumentLine[] {
  return kinds.flatMap(({ days, total }) =>
    days.flatMap((quantity, index): DocumentLine[] =>
      quantity === '0'
        ? []
        : [
            {
              lineNo: line_no,
              name: dateOf(month, index),
              details: [],
              figures: [groupDigits(quantity).replace('-', '−'), shareOfTotal(quantity, total), ''],
            },
          ],
    ),
  );
}

function dateOf(month: string, index: number): string {
  return formatDate(`${month}-${String(index + 1).padStart(2, '0')}`);
}
