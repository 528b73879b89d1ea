/** What fails the gate. */
const FAILING = ['high', 'critical'];

/**
 * What `npm audit --json` said.
 * @returns `couldNotAsk`: why the registry didn't answer, as some mirrors can't; else `findings`
 */
export function readAudit(output) {
  const report = JSON.parse(output);
  const counts = report.metadata?.vulnerabilities;
  if (counts === undefined) {
    return { couldNotAsk: report.message ?? report.error?.summary ?? 'no report', findings: [] };
  }
  const findings = Object.values(report.vulnerabilities ?? {})
    .filter(({ severity }) => FAILING.includes(severity))
    .map(({ name, severity, range }) => `${name} ${range}: ${severity}`);
  return { couldNotAsk: null, findings };
}
