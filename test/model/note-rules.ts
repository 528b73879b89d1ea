import { exact, exactText } from './exact.ts';
import { deploymentLines, taxableOf, withTax, type Line, type Totalled } from './line-rules.ts';
import {
  monthText,
  type Document,
  type Draft,
  type Invoice,
  type Model,
  type Note,
  type UsageEvent,
} from './model.ts';
import { chainOf, notesOf, sumOf } from './standing-rules.ts';
import { taxOn, treatmentOf } from './tax-rules.ts';

/** What corrects a settled invoice: the difference of a rerun, and credits. docs/spec.md#adjustment-notes. */

/** Each deployment has one subscription, so no two lines of a document have the same purpose. */
const purposeOf = ({ deployment, kind, resourceKind, description }: Line) =>
  JSON.stringify([deployment, kind, resourceKind, description]);

interface Effect {
  /** The newest line of the purpose. */
  readonly line: Line;
  readonly qty: bigint;
  readonly cents: number;
}

/** Returns what invoice and rerun notes charge together, by purpose. Credits and items are left out. */
function inEffect(model: Model, invoice: Invoice): ReadonlyMap<string, Effect> {
  const effects = new Map<string, Effect>();
  const documents = chainOf(model, invoice).filter((each) => !isCredit(each));
  for (const line of documents.flatMap(({ lines }) => lines)) {
    if (line.kind === 'tax' || line.kind === 'item') continue;
    const before = effects.get(purposeOf(line));
    effects.set(purposeOf(line), {
      line,
      qty: (before?.qty ?? 0n) + exact(line.qty),
      cents: (before?.cents ?? 0) + line.amountCents,
    });
  }
  return effects;
}

export function isCredit(document: Invoice | Note): boolean {
  return document.kind === 'adjustment_note' && document.origin === 'credit';
}

/**
 * Returns the lines by which a settled invoice differs from what its draft bills. Usage that the draft takes or leaves out
 * gets its line even if that says 0, so that it is on a line of the document that holds it.
 */
export function adjustmentLines(model: Model, draft: Draft): readonly Line[] {
  const { replaces } = draft;
  if (replaces === null) return [];
  const touched = touchedBy(model, draft);
  const before = inEffect(model, replaces);
  const fresh = deploymentLines(model, draft);
  const purposes = new Set(fresh.map(purposeOf));
  const gone = [...before].flatMap(([purpose, { line }]) => {
    return purposes.has(purpose) ? [] : { ...line, qty: '0', amountCents: 0 };
  });
  // By deployment: what is charged, then what is no longer charged.
  const all = model.fleet.deployments.flatMap(({ id }) =>
    [...fresh, ...gone].filter(({ deployment }) => deployment === id),
  );
  return all.flatMap((line) => {
    const old = before.get(purposeOf(line));
    const qty = exact(line.qty) - (old?.qty ?? 0n);
    const amountCents = line.amountCents - (old?.cents ?? 0);
    const isTouched = touched.some((event) => isCharged(model, line, event, replaces.month));
    if (qty === 0n && amountCents === 0 && !isTouched) return [];
    const meta = { ...line.meta, before_cents: old?.cents ?? 0, after_cents: line.amountCents };
    return { ...line, qty: exactText(qty), amountCents, meta };
  });
}

/** Returns the usage that a draft takes, or is the first to leave out. */
function touchedBy(model: Model, draft: Draft): readonly UsageEvent[] {
  const chain = draft.replaces === null ? [] : chainOf(model, draft.replaces);
  return model.events.filter(
    (event) =>
      event.holder === draft ||
      (draft.leftOut.has(event) && !chain.some((document) => document.draft?.leftOut.has(event))),
  );
}

/** Whether a line of a fresh composition of a month charges for usage like this. */
function isCharged(
  model: Model,
  line: Line,
  { source, deployment, kind, month }: UsageEvent,
  billed: Invoice['month'],
): boolean {
  if (line.deployment !== deployment.id || line.qty === '0') return false;
  if (source === 'metered') return line.kind === 'overage' && line.resourceKind === kind;
  const serviceMonth = line.meta.service_month ?? monthText(model, billed);
  return line.kind === 'llm_usage' && serviceMonth === monthText(model, month);
}

/** Returns a note of these lines. Its tax is what all taxable lines up to now owe, less what was taxed so far. */
export function noteOf(
  model: Model,
  invoice: Invoice,
  lines: readonly Line[],
): Omit<Totalled, 'applications'> {
  const chain: readonly Document[] = chainOf(model, invoice);
  const treatment = treatmentOf(model, invoice.tenant, invoice.month);
  const taxable = sumOf(chain, ({ taxableCents }) => taxableCents) + taxableOf(lines);
  const taxed = sumOf(chain, ({ taxCents }) => taxCents);
  return withTax(lines, taxOn(taxable, treatment) - taxed, treatment);
}

export function addNote(
  model: Model,
  adjusts: Invoice,
  note: Pick<Note, 'id' | 'origin' | 'draft' | 'requestId'>,
  lines: readonly Line[],
): Note {
  const { tenant, month } = adjusts;
  const added: Note = {
    kind: 'adjustment_note',
    adjusts,
    tenant,
    month,
    revision: notesOf(model, adjusts).length + 1,
    number: model.notes.filter((other) => other.tenant === tenant).length + 1,
    ...note,
    ...noteOf(model, adjusts, lines),
  };
  model.notes.push(added);
  return added;
}

/** Returns what can still be credited of a line: what is charged for its purpose, reruns included, less credits. */
export function leftOfLine(model: Model, document: Invoice | Note, line: Line): number {
  const chain = chainOf(model, document.kind === 'invoice' ? document : document.adjusts);
  const charging = chain.filter((each) => !isCredit(each));
  const same = charging
    .flatMap(({ lines }) => lines)
    .filter((other) => purposeOf(other) === purposeOf(line));
  const credits = chain
    .filter(isCredit)
    .flatMap(({ lines }) => lines.filter(({ kind }) => kind === 'credit'))
    .filter(({ meta }) => {
      const named = charging.find((each) => numberOf(each) === meta.credited_number);
      const credited = named?.lines[Number(meta.credited_line_no) - 1];
      return credited !== undefined && purposeOf(credited) === purposeOf(line);
    });
  return sumOf([...same, ...credits], ({ amountCents }) => amountCents);
}

/** Returns a document's number, by which people name it. */
export function numberOf({ kind, tenant, number }: Invoice | Note): string {
  const digits = String(number).padStart(6, '0');
  return kind === 'invoice' ? `${tenant}-${digits}` : `${tenant}-A${digits}`;
}
