/** Severities that fail the gate. */
const FAILING = ['high', 'critical'];

/** "Not checked" is not a pass: the caller decides whether to continue without the audit. */
export const EXIT_CODES = { clean: 0, found: 1, 'not checked': 3 };

/**
 * Reads the output of `npm audit --json`. Only a report that counts vulnerabilities of at least one
 * package is a check; an error, another document or no output is not.
 * @param why the reason, if it is already known that there is no report
 */
export function readAudit(output, why = 'no report') {
  const report = parse(output);
  const { vulnerabilities: counts, dependencies } = report.metadata ?? {};
  if (counts === undefined || !(dependencies?.total > 0)) {
    const reason = report.message ?? (report.error?.summary || why);
    return {
      outcome: 'not checked',
      summary: `Audit: NOT CHECKED, no report from the registry: ${reason}`,
      findings: [],
    };
  }
  const findings = Object.values(report.vulnerabilities ?? {})
    .filter(({ severity }) => FAILING.includes(severity))
    .map(({ name, severity, range }) => `${name} ${range}: ${severity}`);
  return {
    outcome: findings.length === 0 ? 'clean' : 'found',
    summary: `Audit: ${findings.length} high or critical in ${dependencies.total} packages`,
    findings,
  };
}

function parse(output) {
  try {
    return Object(JSON.parse(output));
  } catch {
    return {};
  }
}
