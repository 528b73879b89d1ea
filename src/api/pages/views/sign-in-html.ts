import { markup } from '../../../lib/markup.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { layout } from './layout.ts';

export interface SignInView {
  /** A path of ours to go on to. */
  readonly then: string;
  /** Why they are here, where it isn't by their own choice. */
  readonly notice: string | null;
  readonly mistake: string | null;
  /** Over plain HTTP, beyond this machine, a browser wouldn't keep the cookie. */
  readonly isTooOpen: boolean;
}

export function signInPage({ then, notice, mistake, isTooOpen }: SignInView): string {
  const mistakes: FieldMistake[] = mistake === null ? [] : [{ field: 'key', detail: mistake }];
  return layout({
    title: 'Sign in',
    visitor: null,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}${notice === null ? '' : markup`<p class="note">${notice}</p>`}${
      isTooOpen
        ? markup`<p class="note bad">This page came over plain HTTP. Sign-in works over HTTPS, or on the machine itself, at localhost.</p>`
        : ''
    }
<form class="sheet" method="post" action="/sign-in">
<input type="hidden" name="then" value="${then}">
${field({
  id: 'key',
  label: 'API key',
  hint: "An operator's key opens the operator pages, a tenant's the quote page. It begins with arc_.",
  mistakes,
  input: (attributes) =>
    markup`<input ${attributes} name="key" type="password" autocomplete="current-password" spellcheck="false" required>`,
})}<div class="actions"><button>Sign in</button></div>
<p class="hint">You stay signed in for 8 hours, or until the key is revoked. The cookie doesn’t hold the key.</p>
</form>
`,
  });
}
