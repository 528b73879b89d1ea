import {
  adjustmentLines,
  assembleNote,
  chargingFor,
  linesInEffect,
  type ChargedSoFar,
  type TouchedUsage,
} from '../domain/adjustment.ts';
import type { ComposedInvoice, InvoiceInputs } from '../domain/compose-invoice.ts';
import type { DeploymentLine } from '../domain/deployment-lines.ts';
import type { PlacedLine } from '../domain/line-changes.ts';

/** What a rerun's adjustment note is composed from. */
export interface NoteInputs extends Pick<InvoiceInputs, 'currency' | 'period' | 'tax'> {
  /** The lines of the invoice, then those of each note that a rerun made. */
  readonly before: readonly (readonly PlacedLine[])[];
  /** What a fresh composition charges. */
  readonly after: readonly PlacedLine[];
  readonly soFar: ChargedSoFar;
  /** The usage of which the note takes or excludes some. */
  readonly touched: readonly TouchedUsage[];
}

/**
 * Returns the adjustment note of a forced rerun as the month end composes it, for previews and for verification; without
 * lines if there is no difference.
 * @throws DomainError for anything that would park the tenant
 */
export function composeNote({
  before,
  after,
  soFar,
  touched,
  ...terms
}: NoteInputs): ComposedInvoice {
  const { month } = terms.period;
  const lines = adjustmentLines(
    linesInEffect(before),
    after.filter(isOfDeployment),
    chargingFor(touched, month),
  );
  return assembleNote(lines, soFar, { ...terms, month });
}

/** Tax is computed for the note, and invoice items aren't adjusted. */
function isOfDeployment(line: PlacedLine): line is PlacedLine & DeploymentLine {
  return line.deploymentId !== null;
}
