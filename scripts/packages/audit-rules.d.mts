export function readAudit(output: string): {
  readonly couldNotAsk: string | null;
  readonly findings: readonly string[];
};
