import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import { SIGNING_SCOPES } from '../../db/access/signing-secrets.ts';
import { answerHeaders, commonProblemHeaders } from '../http/answer-headers.ts';
import {
  HttpProblem,
  PROBLEMS,
  problemBody,
  problemSchema,
  problemType,
  type ProblemName,
} from '../http/problems.ts';
import type { Route } from '../http/route-definition.ts';

/**
 * How the OpenAPI document describes problems: each operation lists those that are particular to it. The introduction and
 * one shared response list the others.
 */

const OF_ALL: readonly ProblemName[] = [
  // A URL that can't be decoded, or with a NUL in it.
  'malformed-request',
  'invalid-request',
  'headers-too-large',
  'rate-limited',
  'internal-error',
];
const OF_KEYS: readonly ProblemName[] = ['unauthenticated', 'forbidden', 'database-unavailable'];
const OF_SIGNATURES: readonly ProblemName[] = ['invalid-signature', 'signatures-unavailable'];
const OF_BODIES: readonly ProblemName[] = [
  'request-timeout',
  'too-large',
  'unsupported-media-type',
  'overloaded',
];

/** Returns every problem that a route can respond with. */
export function problemsOf({ scopes, body, upload, problems = [] }: Route): readonly ProblemName[] {
  return [
    ...new Set([
      ...problems,
      ...OF_ALL,
      ...(scopes ? OF_KEYS : []),
      ...(scopes?.some((scope) => SIGNING_SCOPES.includes(scope)) ? OF_SIGNATURES : []),
      ...(body || upload ? OF_BODIES : []),
    ]),
  ];
}

/** Name of the shared response in the document. */
export const COMMON_PROBLEM = 'CommonProblem';

const GROUPS: readonly (readonly [requests: string, problems: readonly ProblemName[]])[] = [
  ['Any request', OF_ALL],
  ['Requests with a key', OF_KEYS],
  ['Requests with a key that has signing secrets', OF_SIGNATURES],
  ['Requests with a body', OF_BODIES],
];

/** The part of the introduction that lists the common problems, in Markdown. */
export const COMMON_PROBLEMS_TEXT = [
  '## Common problems',
  'An operation lists the problems that are particular to it. It can also respond with these:',
  ...GROUPS.map(([requests, problems]) =>
    [`**${requests}**`, '', ...problems.map((name) => `- ${textOf(name)}`)].join('\n'),
  ),
].join('\n\n');

function textOf(name: ProblemName): string {
  const { status, title, advice } = PROBLEMS[name];
  return `${status} \`${problemType(name)}\`: ${title}. ${advice}`;
}

/** Returns the shared response. */
export function commonProblemResponse() {
  return {
    description: 'A problem that is common to operations: the introduction lists them.',
    headers: commonProblemHeaders(),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: examplesOf(GROUPS.flatMap(([, problems]) => problems)),
      },
    },
  };
}

/** Returns the responses for the problems that are particular to a route, by status. */
export function particularProblems(route: Route): RouteConfig['responses'] {
  const byStatus = Map.groupBy(route.problems ?? [], (name) => PROBLEMS[name].status);
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: names
          .map((name) => `\`${problemType(name)}\`: ${PROBLEMS[name].title}`)
          .join('\n\n'),
        headers: answerHeaders(route, names[0] ?? null),
        content: {
          'application/problem+json': { schema: problemSchema, examples: examplesOf(names) },
        },
      },
    ]),
  );
}

const EXAMPLE_REQUEST_ID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';

function examplesOf(names: readonly ProblemName[]) {
  return Object.fromEntries(
    names.map((name) => {
      const { title, example } = PROBLEMS[name];
      const value = problemBody(new HttpProblem(name, example), EXAMPLE_REQUEST_ID);
      return [name, { summary: title, value }];
    }),
  );
}
