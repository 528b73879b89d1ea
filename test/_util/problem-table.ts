import { PROBLEMS } from '../../src/api/http/problems.ts';

/** The table of problems in docs/integrating.md, made of what the API serves. */
export function renderProblemTable(): string {
  return [
    '| status | `urn:arcadia:problem:…` | what it is | what to do |',
    '| --- | --- | --- | --- |',
    ...Object.entries(PROBLEMS).map(
      ([name, { status, title, advice }]) => `| ${status} | \`${name}\` | ${title} | ${advice} |`,
    ),
  ].join('\n');
}
