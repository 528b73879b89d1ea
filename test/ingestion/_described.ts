import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

/** The OpenAPI document's description of a schema. */
export interface Description {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly description?: string;
  readonly example?: unknown;
  readonly properties?: Readonly<Record<string, Description>>;
}

interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, Description>> };
  readonly paths: {
    readonly '/': {
      readonly post: {
        readonly requestBody: {
          readonly content: {
            readonly json: {
              readonly schema: { readonly properties: { readonly field: Description } };
            };
          };
        };
      };
    };
  };
}

const COMPONENTS = '#/components/schemas/';

/** Describes a schema like the API; a named schema gets its name. */
export function described(schema: z.ZodType): Description & { readonly name?: string } {
  const registry = new OpenAPIRegistry();
  registry.registerPath({
    method: 'post',
    path: '/',
    request: { body: { content: { json: { schema: z.object({ field: schema }) } } } },
    responses: {},
  });
  const document = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: '', version: '' },
  }) as unknown as Document;

  const { field } = document.paths['/'].post.requestBody.content.json.schema.properties;
  if (field.$ref === undefined) return field;
  const name = field.$ref.slice(COMPONENTS.length);
  return { name, ...document.components?.schemas?.[name] };
}

/** An event made of the API's examples for its fields. */
export function exampleOf(schema: z.ZodType): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(described(schema).properties ?? {})
      .filter(([, field]) => 'example' in field)
      .map(([name, { example }]) => [name, example]),
  );
}
