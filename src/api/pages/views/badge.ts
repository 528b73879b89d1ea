import { markup, type Markup } from '../../../lib/markup.ts';

/** How good or bad news is. */
type Tone = 'good' | 'plain' | 'busy' | 'bad';

/** Never by colour alone: each has a sign, and says what it is. */
const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', plain: '·', busy: '↻', bad: '!' };

/** A state in a word or two. */
export function badge(tone: Tone, text: string): Markup {
  return markup`<span class="badge ${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${text}</span>`;
}

/** Of an invoice. */
export function invoiceStatus(status: 'issued' | 'paid' | 'void' | 'superseded'): Markup {
  return badge(status === 'paid' || status === 'issued' ? 'good' : 'plain', status);
}

/** Of a tenant in a month, or of a request for it; null: nobody has looked yet. */
export function outcome(
  value: 'rolled' | 'skipped' | 'unchanged' | 'parked' | 'refused' | null,
): Markup {
  if (value === null) return badge('plain', 'waiting');
  if (value === 'parked' || value === 'refused') return badge('bad', value);
  return badge(value === 'rolled' ? 'good' : 'plain', value);
}

/** Whether the books add up; null where they needn't, yet. */
export function balance(balanced: boolean | null): Markup {
  if (balanced === null) return badge('plain', 'not checked yet');
  return balanced ? badge('good', 'balanced') : badge('bad', 'not balanced');
}
