import { outcomeName, type Outcome } from '../../../contracts/month-end-types.ts';
import { markup, type Markup } from '../../../lib/markup.ts';

/** The severity of a state. */
type Tone = 'good' | 'plain' | 'busy' | 'bad';

/** A sign for each tone, because colour alone is not accessible. */
const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', plain: '·', busy: '↻', bad: '!' };

/** Renders a state in a word or two. */
export function badge(tone: Tone, text: string): Markup {
  return markup`<span class="badge ${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${text}</span>`;
}

/** Renders the status of an invoice. */
export function invoiceStatus(status: 'issued' | 'void' | 'superseded'): Markup {
  return badge(status === 'issued' ? 'good' : 'plain', status);
}

/** Renders the outcome of a tenant in a month, or of a request for it; null while it is not processed. */
export function outcome(value: Outcome | 'refused' | null): Markup {
  if (value === null) return badge('plain', 'waiting');
  if (value === 'parked' || value === 'refused') return badge('bad', value);
  return badge(value === 'rolled' || value === 'adjusted' ? 'good' : 'plain', outcomeName(value));
}

/** Renders whether the books balance; null before they have to. */
export function balance(balanced: boolean | null): Markup {
  if (balanced === null) return badge('plain', 'not checked yet');
  return balanced ? badge('good', 'balanced') : badge('bad', 'not balanced');
}

/** Returns a text with its first letter in upper case, for the head of a column. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
