import { FIELD_EXAMPLES } from './field-examples.ts';

/** As much of JSON Schema 2020-12 as the routes' schemas come to. */
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
  /** Also what may be left out: for answers. */
  readonly withOptional: boolean;
}

/** Of an invoice, mostly. */
export const EXAMPLE_ID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const INSTANT = '2026-06-01T06:00:00.000Z';
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': INSTANT,
  date: '2026-05-01',
  uuid: EXAMPLE_ID,
};

/**
 * An example of a schema, put together of the examples of its fields: the schema's own, else that
 * of the field's name (`FIELD_EXAMPLES`), else something of its type.
 * @param name of the field that it is for
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
  if (name.endsWith('_cents')) return '5912';
  return FORMATS[format] ?? 'text';
}

function ofObject({ properties = {}, required = [] }: JsonSchema, options: ExampleOptions) {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => options.withOptional || required.includes(name))
      .map(([name, schema]) => [name, exampleOf(schema, options, name)]),
  );
}

/** A name's example is of one type; where the name stands for another, it doesn't fit. */
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

/** Of something that may be null: what it is otherwise. */
function typeOf(schema: JsonSchema): string | undefined {
  return typesOf(schema).find((type) => type !== 'null') ?? typesOf(schema)[0];
}

function resolve(ref: string, { schemas }: ExampleOptions): JsonSchema {
  const schema = schemas[ref.replace('#/components/schemas/', '')];
  if (schema === undefined) throw new Error(`the document has no schema ${ref}`);
  return schema;
}
