import { Markup, markup } from '../lib/markup.ts';
import { stylePolicy } from '../lib/content-policy.ts';
import type { TotalRow } from '../display/tax-text.ts';
import type {
  Appendix,
  BillingDocument,
  Cells,
  DocumentLine,
  Fact,
  LineGroup,
  Party,
} from './billing-document.ts';

/** The style sheet of a document's page: light and dark on screens, black on white on paper. */
const HTML_STYLE = `
:root { color-scheme: light dark; --ink: #1b2230; --soft: #565f70; --line: #d7dce5; --band: #f3f5f9; --paper: #fff; --behind: #eef1f6; --red: #a3161d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #a7b0c0; --line: #39414f; --band: #232a36; --paper: #181d26; --behind: #0f131a; --red: #ff9a96; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--behind); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 54rem; margin: 0 auto; padding: 2.5rem; background: var(--paper); min-height: 100vh; }
header { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: baseline; justify-content: space-between; border-bottom: 2px solid var(--ink); padding-bottom: 0.75rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; }
h2 { font-size: 0.75rem; letter-spacing: 0.08em; text-transform: uppercase; color: var(--soft); margin: 0 0 0.25rem; }
.mark { margin: 0; padding: 0.2rem 0.8rem; border: 2px solid; border-radius: 0.3rem; font-weight: 700; color: var(--red); }
.top { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1.5rem; margin: 1.5rem 0 2rem; }
address { font-style: normal; } address strong { font-size: 1.05rem; }
dl { margin: 0; } dl div { margin-bottom: 0.4rem; } dt { color: var(--soft); font-size: 0.8rem; } dd { margin: 0; }
.statements { margin: 0 0 1.5rem; padding: 0.75rem 1rem; border-left: 3px solid var(--ink); background: var(--band); } .statements div:last-child { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; min-width: 34rem; }
caption { text-align: left; color: var(--soft); font-size: 0.85rem; padding-bottom: 0.4rem; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.6rem; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--ink); font-size: 0.85rem; overflow-wrap: normal; }
.n { text-align: right; font-variant-numeric: tabular-nums; } td.n { overflow-wrap: normal; }
@media screen and (min-width: 40rem) { tbody .n { white-space: nowrap; } }
.group { background: var(--band); font-size: 0.9rem; }
small { color: var(--soft); }
tfoot th { font-weight: 400; } tfoot .total > * { font-weight: 700; font-size: 1.1rem; border-bottom: 2px solid var(--ink); }
.appendix { margin-top: 2.5rem; } .appendix h2 { font-size: 1.2rem; letter-spacing: 0; text-transform: none; color: var(--ink); }
.payment { margin-top: 2rem; padding: 1rem; background: var(--band); border-radius: 0.3rem; } .payment p { margin: 0; }
footer { margin-top: 1.5rem; color: var(--soft); font-size: 0.85rem; } footer p { margin: 0.2rem 0; }
@media (max-width: 40rem) { main { padding: 1.25rem; } table { min-width: 0; font-size: 0.8rem; } th, td { padding: 0.4rem 0.25rem; } thead th:first-child { min-width: 8rem; } }
@page { size: A4; margin: 16mm; }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --line: #bbb; --band: #f2f2f2; --paper: #fff; --behind: #fff; --red: #a3161d; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; min-height: 0; } .wide { overflow: visible; } table { min-width: 0; }
  tr, .payment { break-inside: avoid; } tfoot { display: table-row-group; } .group { break-after: avoid; } .appendix { break-before: page; }
}
`;

/** The page's Content-Security-Policy, which allows only its own style sheet. */
export const DOCUMENT_CSP = stylePolicy(HTML_STYLE);

/** Returns an invoice or a note as a self-contained HTML page, for screens and paper. */
export function documentHtml(document: BillingDocument): string {
  const { title, number, caption, mark, facts, seller, buyer, statements, heads } = document;
  const { groups, totals, notes, payment, appendices } = document;
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
${mark === null ? '' : markup`<p class="mark">${mark.text}</p>`}
</header>
<div class="top">
${partySection(seller)}
${partySection(buyer)}
<dl>${facts.map(factRow)}</dl>
</div>
${statements.length === 0 ? '' : markup`<dl class="statements">${statements.map(factRow)}</dl>\n`}<div class="wide" role="region" aria-label="Lines" tabindex="0">
<table>
<caption>${caption}</caption>
${tableHead(heads)}
${groups.map(groupBody)}
<tfoot>
${totals.map(totalRow)}
</tfoot>
</table>
</div>
${paymentSection(payment)}
<footer>${notes.map((note) => markup`<p>${note}</p>`)}</footer>
${appendices.map(appendixSection)}</main>
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

function tableHead(heads: Cells): Markup {
  const cells = heads.map(
    (head, index) => markup`<th scope="col"${index === 0 ? '' : markup` class="n"`}>${head}</th>`,
  );
  return markup`<thead>
<tr>${cells}</tr>
</thead>`;
}

function appendixSection({ title, caption, heads, groups }: Appendix): Markup {
  return markup`<section class="appendix"><h2>${title}</h2>
<div class="wide" role="region" aria-label="${title}" tabindex="0">
<table>
<caption>${caption}</caption>
${tableHead(heads)}
${groups.map(groupBody)}</table>
</div>
</section>
`;
}

function groupBody({ heading, lines }: LineGroup): Markup {
  return markup`<tbody>
<tr><th scope="rowgroup" colspan="4" class="group">${heading}</th></tr>
${lines.map(lineRow)}</tbody>
`;
}

function lineRow({ name, details, figures }: DocumentLine): Markup {
  const small = details.map((detail) => markup`<br><small>${detail}</small>`);
  return markup`<tr><td>${name}${small}</td>${figures.map((figure) => markup`<td class="n">${figure}</td>`)}</tr>
`;
}

function totalRow({ label, value, isTotal }: TotalRow): Markup {
  return markup`<tr${isTotal ? markup` class="total"` : ''}><th scope="row" colspan="3" class="n">${label}</th><td class="n">${value}</td></tr>
`;
}

function paymentSection(lines: readonly string[]): Markup | string {
  if (lines.length === 0) return '';
  return markup`<section class="payment"><h2>Payment</h2>${lines.map((line) => markup`<p>${line}</p>`)}</section>`;
}
