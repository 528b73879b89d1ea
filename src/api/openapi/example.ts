import { FIELD_EXAMPLES } from './field-examples.ts';

/** The part of JSON Schema 2020-12 that the routes' schemas use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

export interface ExampleOptions {
  /** The document's `components.schemas`. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  /** Whether to include optional fields, as in responses. */
  readonly withOptional: boolean;
}

/** The id in examples, mostly of an invoice. */
export const EXAMPLE_ID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const INSTANT = '2026-06-01T06:00:00.000Z';
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': INSTANT,
  date: '2026-05-01',
  uuid: EXAMPLE_ID,
};

/**
 * Returns an example for a schema: the schema's own, otherwise the one for the field's name (`FIELD_EXAMPLES`),
 * otherwise a value of its type.
 * @param name the name of the field
 */
export function exampleOf(schema: JsonSchema, options: ExampleOptions, name?: string): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  const byName = name === undefined ? undefined : FIELD_EXAMPLES[name];
  if (byName !== undefined && fits(byName, schema)) return byName;
  if (schema.$ref !== undefined) return exampleOf(resolve(schema.$ref, options), options, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [alternative] = schema.anyOf ?? schema.oneOf ?? [];
  if (alternative !== undefined) return exampleOf(alternative, options, name);
  if (schema.allOf !== undefined) {
    return Object.assign({}, ...schema.allOf.map((part) => exampleOf(part, options))) as object;
  }
  return ofType(schema, options, name);
}

function ofType(schema: JsonSchema, options: ExampleOptions, name?: string): unknown {
  switch (typeOf(schema)) {
    case 'object':
      return ofObject(schema, options);
    case 'array':
      return schema.items === undefined ? [] : [exampleOf(schema.items, options, name)];
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 0, 0);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case undefined:
    default:
      return textOf(schema, name);
  }
}

function textOf({ format = '' }: JsonSchema, name = ''): string {
  if (name.endsWith('_at')) return INSTANT;
  if (name.endsWith('_cents')) return '5913';
  return FORMATS[format] ?? 'text';
}

function ofObject({ properties = {}, required = [] }: JsonSchema, options: ExampleOptions) {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => options.withOptional || required.includes(name))
      .map(([name, schema]) => [name, exampleOf(schema, options, name)]),
  );
}

/** Whether the example for a name has the schema's type; some names have different types in different places. */
function fits(value: unknown, schema: JsonSchema): boolean {
  if (schema.enum !== undefined) return schema.enum.includes(value);
  const types = typesOf(schema);
  if (value === null) return types.includes('null');
  if (typeof value === 'number') return types.includes('integer') || types.includes('number');
  return types.includes(typeof value);
}

function typesOf({ type, anyOf = [], oneOf = [] }: JsonSchema): readonly string[] {
  if (type !== undefined) return typeof type === 'string' ? [type] : type;
  return [...anyOf, ...oneOf].flatMap(typesOf);
}

/** Returns the non-null schema of a nullable one. */
function typeOf(schema: JsonSchema): string | undefined {
  return typesOf(schema).find((type) => type !== 'null') ?? typesOf(schema)[0];
}

function resolve(ref: string, { schemas }: ExampleOptions): JsonSchema {
  const schema = schemas[ref.replace('#/components/schemas/', '')];
  if (schema === undefined) throw new Error(`the document has no schema ${ref}`);
  return schema;
}
