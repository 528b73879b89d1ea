import { FINDINGS, type Finding } from './watchdog-finding.ts';

/** What is new since the look before, and what is over. A detail that changes is no news. */
export function changesOf(
  before: readonly Finding[],
  after: readonly Finding[],
): { readonly appeared: readonly Finding[]; readonly gone: readonly Finding[] } {
  return { appeared: without(after, before), gone: without(before, after) };
}

/**
 * What was found before and can't be looked at now counts as still there: an alarm must not end
 * because nobody can see.
 */
export function carryOver(
  before: readonly Finding[],
  found: readonly Finding[],
): readonly Finding[] {
  const codes = new Set<string | null>(found.map(({ code }) => code));
  return [...found, ...before.filter(({ code }) => codes.has(FINDINGS[code].hiddenBy))];
}

function without(findings: readonly Finding[], others: readonly Finding[]): readonly Finding[] {
  const known = new Set(others.map(identity));
  return findings.filter((finding) => !known.has(identity(finding)));
}

function identity({ code, month }: Finding): string {
  return `${code} ${month}`;
}
