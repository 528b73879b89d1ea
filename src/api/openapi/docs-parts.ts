import { markup, type Markup } from '../../lib/markup.ts';
import type { OpenApiDocument } from './openapi.ts';
import { METHODS } from '../http/route-definition.ts';

type PathItem = NonNullable<OpenApiDocument['paths']>[string];

/** One operation, as the page shows it. */
export interface Endpoint {
  readonly method: string;
  /** Of an event of `webhooks`, its name. */
  readonly path: string;
  readonly operation: NonNullable<PathItem['get']>;
}

/** The operations of the document's `paths`, or of its `webhooks`. */
export function endpointsOf(items: OpenApiDocument['paths']): readonly Endpoint[] {
  return Object.entries(items ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? { method, path, operation } : [];
    }),
  );
}

/** A part of the document as it is, folded up. */
export function schemaBlock(name: string, schema: unknown): Markup {
  const json = JSON.stringify(schema, null, 2);
  return markup`<details><summary>${name}</summary><pre>${json}</pre></details>
`;
}
