import type { TotalRow } from '../display/tax-text.ts';

/**
 * The content of an invoice's or an adjustment note's documents. HTML and PDF are both made from it, so they agree.
 *
 * A document never says what was paid. Its content is what was issued; later it is only marked as superseded, void or
 * adjusted, with the other document's number. Payments come and are reversed long after a document was sent, so the
 * balance is a matter of the API and of statements.
 */
export interface BillingDocument {
  readonly title: string;
  readonly number: string;
  /** Of the table of lines. */
  readonly caption: string;
  /** The instant of issue; documents contain no other time. */
  readonly issuedAt: string;
  /** Shown if the document must not be paid. */
  readonly mark: Mark | null;
  readonly facts: readonly Fact[];
  readonly seller: Party;
  readonly buyer: Party;
  /** What needs the whole width, such as the reason for an adjustment. */
  readonly statements: readonly Fact[];
  /** The heads of the columns of lines. All but the first contain figures. */
  readonly heads: Cells;
  readonly groups: readonly LineGroup[];
  readonly totals: readonly TotalRow[];
  readonly notes: readonly string[];
  /** How to pay; empty if nothing is due. */
  readonly payment: readonly string[];
  /** They follow everything else, each on pages of its own. */
  readonly appendices: readonly Appendix[];
}

/** A table that explains lines and adds up to nothing that is due. */
export interface Appendix {
  readonly title: string;
  readonly caption: string;
  readonly heads: Cells;
  readonly groups: readonly LineGroup[];
}

export interface Mark {
  readonly status: 'superseded' | 'void';
  readonly text: string;
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface Party {
  readonly role: 'From' | 'To';
  readonly name: string;
  /** The lines under the name. */
  readonly lines: readonly string[];
}

/** The lines of a deployment, or those of none. */
export interface LineGroup {
  readonly heading: string;
  readonly lines: readonly DocumentLine[];
}

export interface DocumentLine {
  readonly lineNo: number;
  readonly name: string;
  /** How the amount came about. */
  readonly details: readonly string[];
  /** One for each head but the first; empty where the line has none. */
  readonly figures: readonly [string, string, string];
}

export type Cells = readonly [string, ...DocumentLine['figures']];
