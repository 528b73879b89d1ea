import type { Check } from '../doctor/check.ts';
import { style } from './style.ts';

const FORMATS = { ok: 'green', warning: 'yellow', problem: 'red', unknown: 'dim' } as const;

/** A line for each check, and below a problem what to do about it. */
export function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, detail, advice }) => {
    const label = `${name.padEnd(width)}  `;
    const margin = ' '.repeat('problem'.length + 2 + label.length);
    return [
      `${style(FORMATS[state], state.padEnd('problem'.length))}  ${label}${detail}`,
      ...(advice === null ? [] : [`${margin}→ ${advice}`]),
    ];
  });
  return [...lines, '', conclude(checks)].join('\n');
}

function conclude(checks: readonly Check[]): string {
  const count = (wanted: Check['state']) => checks.filter(({ state }) => state === wanted).length;
  if (count('problem') > 0) return `Problems: ${count('problem')}.`;
  const rest = [
    ...(count('warning') > 0 ? [`warnings: ${count('warning')}`] : []),
    ...(count('unknown') > 0 ? [`not looked at: ${count('unknown')}`] : []),
  ];
  return rest.length > 0 ? `No problem found; ${rest.join(', ')}.` : 'All is well.';
}
