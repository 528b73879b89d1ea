type AuditOutcome = 'clean' | 'found' | 'not checked';
export const EXIT_CODES: Readonly<Record<AuditOutcome, number>>;
export function readAudit(
  output: string,
  why?: string,
): {
  readonly outcome: AuditOutcome;
  readonly summary: string;
  readonly findings: readonly string[];
};
