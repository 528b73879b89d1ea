import type { InvoiceSource } from '../db/invoices/invoice-documents.ts';
import { formatMonth } from '../display/dates.ts';
import { textOf } from '../display/line-meta.ts';
import { modelsOf, type ShownModel } from '../display/model-text.ts';
import type { Appendix, DocumentLine, LineGroup } from './billing-document.ts';

/**
 * Returns the charges of an invoice's LLM lines by model; null if no line has more than one model. They are exact: only
 * the line is rounded.
 */
export function modelAppendix({ number, lines, currency }: InvoiceSource): Appendix | null {
  const models = lines.map((line) => ({ line, models: modelsOf(line.meta, currency) }));
  if (models.every(({ models }) => models.length < 2)) return null;
  return {
    title: 'LLM usage by model',
    caption: `Models of ${number}, exact charges in ${currency}`,
    heads: ['Model', 'Requests', 'Share', 'Charges'],
    groups: models
      .filter(({ models }) => models.length > 0)
      .map(({ line, models }): LineGroup => {
        const late = textOf(line.meta.service_month);
        return {
          heading: `${line.deployment_id ?? ''}${late === '' ? '' : `, late for ${formatMonth(late)}`}`,
          lines: models.map((model) => toLine(line.line_no, model)),
        };
      }),
  };
}

function toLine(lineNo: number, { name, requests, share, amount }: ShownModel): DocumentLine {
  return { lineNo, name, details: [], figures: [requests, share, amount] };
}
