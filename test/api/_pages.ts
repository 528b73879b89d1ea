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
  /** Opens the page of an action, fills in its form and sends it, without confirming what happens then. */
  fill(path: string, fields?: Fields): Promise<Response>;
  /** The same, and confirms what the page then says will happen. */
  act(path: string, fields?: Fields): Promise<Response>;
  /** Confirms what an action's page, in its answer, says will happen. */
  confirm(path: string, shown: Response, fields?: Fields): Promise<Response>;
}

export type Fields = Readonly<Record<string, string | readonly string[]>>;

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
const decode = (text: string) =>
  text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!);

/** What a browser sends with the form of a page, if nothing is changed in it. */
export function formOf({ text }: Response): Record<string, string[]> {
  const [form = ''] = /<form class="sheet" method="post".*?<\/form>/s.exec(text) ?? [];
  const found: Record<string, string[]> = {};
  const add = (tag: string, value: string) => {
    const name = / name="([^"]*)"/.exec(tag)?.[1];
    if (name !== undefined) (found[name] ??= []).push(decode(value));
  };
  for (const [tag] of form.matchAll(/<input[^>]*>/g)) {
    const isBox = /type="(?:checkbox|radio)"/.test(tag);
    if (!isBox || tag.includes(' checked')) add(tag, / value="([^"]*)"/.exec(tag)?.[1] ?? '');
  }
  for (const [tag, content] of form.matchAll(/<textarea[^>]*>(.*?)<\/textarea>/gs)) {
    add(tag, content ?? '');
  }
  for (const [tag] of form.matchAll(/<select.*?<\/select>/gs)) {
    add(tag, / value="([^"]*)" selected/.exec(tag)?.[1] ?? '');
  }
  return found;
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

/** What people read of a page. */
export function read(html: string): string {
  return html
    .replaceAll(/<(?:style|title|svg)[\s\S]*?<\/(?:style|title|svg)>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replaceAll(/\s+/g, ' ');
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
  const post: TestBrowser['post'] = async (path, fields, headers = SAME_ORIGIN) =>
    postForm(
      app,
      path,
      { form_token: await formToken(), ...fields },
      { ...headers, Cookie: cookie },
    );
  const send = (path: string, shown: Response, fields: Fields) =>
    post(path.split('?', 1)[0]!, { ...formOf(shown), ...fields });
  const confirm: TestBrowser['confirm'] = (path, shown, fields = {}) =>
    send(path, shown, { ...fields, confirmed: 'true' });
  return {
    ...{ cookie, get, formToken, post, confirm },
    fill: async (path, fields = {}) => send(path, await get(path), fields),
    act: async (path, fields = {}) => {
      const answer = await confirm(path, await get(path), fields);
      // Another page than the first one: it shows what will happen with what was typed.
      return answer.status === 200 ? confirm(path, answer) : answer;
    },
  };
}
