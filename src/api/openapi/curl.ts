import { posixQuote } from '../../lib/posix-quote.ts';

/** What a curl command is made of. */
export interface CurlOperation {
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly example?: unknown;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<
        string,
        {
          readonly example?: unknown;
          readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
        }
      >
    >;
  };
}

/** A command that makes the call of the operation's examples, with what it needs and no more. */
export function curlOf(method: string, path: string, operation: CurlOperation): string {
  const { security = [], parameters = [], requestBody } = operation;
  const needed = parameters.filter(({ required }) => required);
  const url = needed
    .filter((parameter) => parameter.in === 'path')
    .reduce((text, { name, example }) => text.replace(`{${name}}`, encode(example)), path);
  const query = needed
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, example }) => `${name}=${encode(example)}`)
    .join('&');
  const [content] = Object.entries(requestBody?.content ?? {});
  return [
    `curl -X ${method.toUpperCase()} "$API_URL${url}${query && `?${query}`}"`,
    ...(security.length > 0 ? ['-H "Authorization: Bearer $API_KEY"'] : []),
    ...(content
      ? [`-H 'Content-Type: ${content[0]}'`, `-d ${posixQuote(bodyOf(content[1]))}`]
      : []),
  ].join(' \\\n  ');
}

type Media = NonNullable<CurlOperation['requestBody']>['content'][string];

function bodyOf({ example, examples }: Media): string {
  const value = example ?? Object.values(examples ?? {})[0]?.value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function encode(value: unknown): string {
  return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value));
}
