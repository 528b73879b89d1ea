import { Ajv2020 } from 'ajv/dist/2020.js';
import formatsModule from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { lintOpenApi } from '../../scripts/contract/openapi-lint.ts';
import { apiDocument, ROUTES } from '../../src/api/routes/all-routes.ts';
import { PROBLEMS, problemType } from '../../src/api/http/problems.ts';
import { problemsOf } from '../../src/api/openapi/problem-answers.ts';
import { WEBHOOK_EVENT_TYPES } from '../../src/contracts/webhook-types.ts';

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
interface Body {
  readonly content?: Readonly<Record<string, Media>>;
}
interface Answer extends Body {
  readonly $ref?: string;
  readonly headers: Readonly<Record<string, Media & { readonly required: boolean }>>;
}
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (Media & { readonly name: string })[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Answer>>;
}

const document = apiDocument() as unknown as {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
};
const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
const operationOf = (id: string) => operations.find(({ operationId }) => operationId === id)!;

const ajv = new Ajv2020({ strict: false, allErrors: true });
// Its types declare a namespace, but its code is a function.
(formatsModule as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema({ $id: 'urn:arcadia:document', components: document.components });

/** Validates a value by a schema of the document. @returns the errors, or null */
function complaint(schema: object, value: unknown): string | null {
  const local = JSON.parse(
    JSON.stringify(schema).replaceAll('"#/components/', '"urn:arcadia:document#/components/'),
  ) as object;
  const validate = ajv.compile(local);
  return validate(value) ? null : `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`;
}

function examplesOf({ example, examples }: Media): readonly unknown[] {
  return [
    ...(example === undefined ? [] : [example]),
    ...Object.values(examples ?? {}).map(({ value }) => value),
  ];
}

/** An operation's answers by status; the common problems are `default`. */
function answersOf({ responses }: Operation): readonly (readonly [string, Answer])[] {
  return Object.entries(responses).map(([status, answer]) => [
    status,
    answer.$ref === undefined
      ? answer
      : document.components.responses[answer.$ref.replace('#/components/responses/', '')]!,
  ]);
}

/** Everything in an operation that should have an example. */
function mediaOf(operation: Operation): readonly Media[] {
  const { parameters = [], requestBody } = operation;
  const answers = answersOf(operation).map(([, answer]) => answer);
  return [
    ...parameters,
    ...Object.values(requestBody?.content ?? {}),
    ...answers.flatMap(({ content, headers }) => [
      ...Object.values(content ?? {}),
      ...Object.values(headers),
    ]),
  ];
}

describe.each(operations.map((operation) => [operation.operationId, operation] as const))(
  '%s',
  (_, operation) => {
    test('every parameter, body, answer and header has a valid example', () => {
      for (const media of mediaOf(operation)) {
        const examples = examplesOf(media);
        expect(examples.length, JSON.stringify(media)).toBeGreaterThan(0);
        for (const example of examples) expect(complaint(media.schema, example)).toBeNull();
      }
    });

    test('every answer documents the request id and Retry-After', () => {
      for (const [status, { headers, content }] of answersOf(operation)) {
        const required = Object.keys(headers).filter((name) => headers[name]?.required);
        expect(required).toContain('X-Request-Id');
        const isProblem = Object.hasOwn(content ?? {}, 'application/problem+json');
        if (!isProblem || status === 'default') continue;
        const isTemporary = ['425', '429', '503'].includes(status);
        expect(required.includes('Retry-After'), status).toBe(isTemporary);
        expect(required.includes('WWW-Authenticate'), status).toBe(status === '401');
      }
    });

    test('its tag is described', () => {
      for (const tag of operation.tags) {
        const found = document.tags.find(({ name }) => name === tag);
        expect(found?.description.length).toBeGreaterThan(tag.length);
      }
    });
  },
);

test('an operation lists the problems that are particular to it; the introduction lists all others', () => {
  const { description } = document.info;
  for (const route of ROUTES) {
    const { responses } = operationOf(route.operationId);
    expect(responses.default).toEqual({ $ref: '#/components/responses/CommonProblem' });
    // Answers of batches have problems, too.
    const text = JSON.stringify(
      Object.values(responses).map(({ content }) => content?.['application/problem+json']),
    );
    for (const name of problemsOf(route)) {
      const isParticular = route.problems?.includes(name) ?? false;
      expect(text.includes(problemType(name)), `${route.operationId} ${name}`).toBe(isParticular);
      if (!isParticular) expect(description).toContain(`\`${problemType(name)}\``);
    }
  }
});

test('a schema rejects an invalid example, which shows that the check above can fail', () => {
  const [media] = Object.values(operationOf('postLlmUsage').requestBody?.content ?? {});
  expect(complaint(media!.schema, { gateway_request_id: 'only this' })).toContain('required');
});

test('an operation lists the scopes of its route', () => {
  for (const { operationId, scopes } of ROUTES) {
    const named = operationOf(operationId).security.flatMap(({ apiKey = [] }) => apiKey);
    expect(named).toEqual(scopes ?? []);
  }
});

test('limits in URLs are integers with bounds and a default', () => {
  const limit = operationOf('getInvoices').parameters?.find(({ name }) => name === 'limit');
  expect(limit?.schema).toEqual({ type: 'integer', minimum: 1, maximum: 200, default: 50 });
});

test('every problem has its own title, advice and example', () => {
  const all = Object.values(PROBLEMS);
  for (const field of ['title', 'advice', 'example'] as const) {
    for (const problem of all) expect(problem[field]).not.toBe('');
  }
  expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
});

test.each(WEBHOOK_EVENT_TYPES)('the webhook %s has valid examples', (type) => {
  const { requestBody, parameters = [] } = document.webhooks[type]!.post!;
  expect(parameters.map(({ name }) => name)).toEqual([
    ...['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  ]);
  for (const media of [...parameters, ...Object.values(requestBody?.content ?? {})]) {
    const [example] = examplesOf(media);
    expect(example).toBeDefined();
    expect(complaint(media.schema, example)).toBeNull();
  }
});

describe('the independent linter', () => {
  test('has no complaints', async () => {
    expect(await lintOpenApi()).toEqual([]);
  });

  test('complains about a document with an error', async () => {
    const broken = { ...document, components: {} };
    expect((await lintOpenApi(broken)).join('\n')).toContain('no-unresolved-refs');
  });
});
