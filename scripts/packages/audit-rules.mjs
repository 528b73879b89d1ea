/** What fails the gate. */
const FAILING = ['high', 'critical'];

/** "Not checked" is no pass: whoever runs the audit decides whether to go on without it. */
export const EXIT_CODES = { clean: 0, found: 1, 'not checked': 3 };

/**
 * Reads what `npm audit --json` printed. Only a report that counts vulnerabilities, over at least one package,
 * is a check: an error, another document or nothing at all is not.
 * @param why the reason where it is known already that there is no report
 */
export function readAudit(output, why = 'no report') {
  const report = parse(output);
  const { vulnerabilities: counts, dependencies } = report.metadata ?? {};
  if (counts === undefined || !(dependencies?.total > 0)) {
    const reason = report.message ?? (report.error?.summary || why);
    return {
      outcome: 'not checked',
      summary: `Audit: NOT CHECKED, the registry can't be asked: ${reason}`,
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
