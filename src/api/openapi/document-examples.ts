import { exampleOf, type ExampleOptions, type JsonSchema } from './example.ts';

/** The parts of an OpenAPI document that carry examples. */
interface Described {
  readonly name?: string;
  readonly schema?: JsonSchema;
  readonly example?: unknown;
  readonly examples?: unknown;
}
interface Body {
  readonly content?: Readonly<Record<string, Described>>;
}
export interface Operation {
  readonly parameters?: readonly Described[];
  readonly requestBody?: Body;
  readonly responses?: Readonly<Record<string, Body>>;
}
type PathItem = Readonly<Record<string, Operation>>;

/** Adds an example generated from the schema to every parameter, body and response without its own. */
export function withExamples<
  D extends {
    readonly paths?: object;
    readonly webhooks?: object;
    readonly components?: { readonly schemas?: object };
  },
>(document: D): D {
  const schemas = (document.components?.schemas ?? {}) as ExampleOptions['schemas'];
  const sent = { schemas, withOptional: false };
  const answered = { schemas, withOptional: true };
  const illustrateItems = (items: object) =>
    mapValues(items as Record<string, PathItem>, (item) =>
      mapValues(item, (operation) => ({
        ...operation,
        ...(operation.parameters && {
          parameters: operation.parameters.map((parameter) => illustrate(parameter, sent)),
        }),
        ...(operation.requestBody && { requestBody: illustrateBody(operation.requestBody, sent) }),
        responses: mapValues(operation.responses ?? {}, (body) => illustrateBody(body, answered)),
      })),
    );
  return {
    ...document,
    paths: illustrateItems(document.paths ?? {}),
    ...(document.webhooks && { webhooks: illustrateItems(document.webhooks) }),
  };
}

function illustrateBody(body: Body, options: ExampleOptions): Body {
  if (body.content === undefined) return body;
  return { ...body, content: mapValues(body.content, (media) => illustrate(media, options)) };
}

function illustrate(described: Described, options: ExampleOptions): Described {
  const { schema, example, examples, name } = described;
  if (schema === undefined || example !== undefined || examples !== undefined) return described;
  return { ...described, example: exampleOf(schema, options, name) };
}

function mapValues<In, Out>(
  record: Readonly<Record<string, In>>,
  map: (value: In) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
