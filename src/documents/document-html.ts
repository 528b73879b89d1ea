import { Markup, markup } from '../lib/markup.ts';
import { stylePolicy } from '../lib/content-policy.ts';
import { HTML_STYLE } from './html-style.ts';
import type { DocumentLine, Fact, InvoiceDocument, LineGroup, Party } from './invoice-document.ts';

/** The page needs its own style sheet, and nothing else. */
export const DOCUMENT_CSP = stylePolicy(HTML_STYLE);

/** An invoice as a page of its own: to read, to print, to keep. */
export function documentHtml(document: InvoiceDocument): string {
  const { title, number, currency, mark, facts, seller, buyer, groups, totals, notes } = document;
  return markup`<!doctype html>
<html lang="en-AU">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} ${number}</title>
<style>${new Markup(HTML_STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
${mark === null ? '' : markup`<p class="mark ${mark.status}">${mark.text}</p>`}
</header>
<div class="top">
${partySection(seller)}
${partySection(buyer)}
<dl>${facts.map(factRow)}</dl>
</div>
<div class="wide" role="region" aria-label="Lines" tabindex="0">
<table>
<caption>Lines of ${number}, in ${currency}, without GST</caption>
<thead>
<tr><th scope="col">Description</th><th scope="col" class="n">Quantity</th><th scope="col" class="n">Unit price</th><th scope="col" class="n">Amount</th></tr>
</thead>
${groups.map(groupBody)}
<tfoot>
${totals.map(totalRow)}
</tfoot>
</table>
</div>
${paymentSection(document.payment)}
<footer>${notes.map((note) => markup`<p>${note}</p>`)}</footer>
</main>
</body>
</html>
`.text;
}

function partySection({ role, name, lines }: Party): Markup {
  return markup`<section aria-label="${role}"><h2>${role}</h2><address><strong>${name}</strong>${lines.map(
    (line) => markup`<br>${line}`,
  )}</address></section>`;
}

function factRow({ label, value }: Fact): Markup {
  return markup`<div><dt>${label}</dt><dd>${value}</dd></div>`;
}

function groupBody({ deploymentId, lines }: LineGroup): Markup {
  return markup`<tbody>
<tr><th scope="rowgroup" colspan="4" class="group">${deploymentId}</th></tr>
${lines.map(lineRow)}</tbody>
`;
}

function lineRow({ description, detail, quantity, unitPrice, amount }: DocumentLine): Markup {
  const small = detail === '' ? '' : markup`<br><small>${detail}</small>`;
  return markup`<tr><td>${description}${small}</td><td class="n">${quantity}</td><td class="n">${unitPrice}</td><td class="n">${amount}</td></tr>
`;
}

function totalRow({ label, value }: Fact): Markup {
  return markup`<tr><th scope="row" colspan="3" class="n">${label}</th><td class="n">${value}</td></tr>
`;
}

function paymentSection(lines: readonly string[]): Markup | string {
  if (lines.length === 0) return '';
  return markup`<section class="payment"><h2>Payment</h2>${lines.map((line) => markup`<p>${line}</p>`)}</section>`;
}
