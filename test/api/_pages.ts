import request, { type Response } from 'supertest';
import type { Express } from 'express';

/** A signed-in browser: it sends its cookie and the page that a form was on. */
export interface TestBrowser {
  readonly cookie: string;
  get(path: string): Promise<Response>;
  /** Sends a form, including the hidden fields of its page by default. */
  post(
    path: string,
    fields: Readonly<Record<string, string | readonly string[]>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /** The form token of this session. */
  formToken(): Promise<string>;
}

/** What a browser sends with a form of the same site. */
export const SAME_ORIGIN = { 'Sec-Fetch-Site': 'same-origin' };

export function encodeForm(fields: Readonly<Record<string, string | readonly string[]>>): string {
  const pairs = Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  return new URLSearchParams(pairs).toString();
}

export function postForm(
  app: Express,
  path: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
  headers: Readonly<Record<string, string>> = SAME_ORIGIN,
): Promise<Response> {
  return Promise.resolve(
    request(app)
      .post(path)
      .set({ Accept: 'text/html', ...headers })
      .type('form')
      .send(encodeForm(fields)),
  );
}

/** The cookie that an answer sets, as a browser sends it back; empty if it sets none. */
export function cookieOf({ headers }: Response): string {
  const [cookie = ''] = (headers['set-cookie'] as unknown as string[] | undefined) ?? [];
  return cookie.split(';')[0]!;
}

/** Signs in, as a person does. */
export async function signIn(app: Express, key: string): Promise<TestBrowser> {
  const cookie = cookieOf(await postForm(app, '/sign-in', { key, then: '' }));
  const get = (path: string) =>
    Promise.resolve(request(app).get(path).set({ Accept: 'text/html', Cookie: cookie }));
  const formToken = async () => {
    const { text } = await get('/quote');
    return /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';
  };
  return {
    cookie,
    get,
    formToken,
    post: async (path, fields, headers = SAME_ORIGIN) =>
      postForm(
        app,
        path,
        { form_token: await formToken(), ...fields },
        { ...headers, Cookie: cookie },
      ),
  };
}
