import { markup } from '../../../lib/markup.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { layout } from './layout.ts';

export interface SignInView {
  /** A path of ours to redirect to afterwards, or to send the kept form to. */
  readonly then: string;
  /** A form that arrived without a session, encoded; empty if there is none. */
  readonly kept: string;
  /** Why the visitor was redirected here; null if they were not. */
  readonly notice: string | null;
  readonly mistake: string | null;
  /** Whether the browser would reject the cookie: over plain HTTP, except on localhost. */
  readonly isTooOpen: boolean;
}

/** Renders the sign-in page. */
export function signInPage({ then, kept, notice, mistake, isTooOpen }: SignInView): string {
  const mistakes: FieldMistake[] = mistake === null ? [] : [{ field: 'key', detail: mistake }];
  return layout({
    title: 'Sign in',
    visitor: null,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}${notice === null ? '' : markup`<p class="note">${notice}</p>`}${
      isTooOpen
        ? markup`<p class="note bad">You opened this page over plain HTTP. Sign-in works only over HTTPS or at localhost.</p>`
        : ''
    }
<form class="sheet" method="post" action="/sign-in">
<input type="hidden" name="then" value="${then}">${kept === '' ? '' : markup`<input type="hidden" name="kept" value="${kept}">`}
${field({
  id: 'key',
  label: 'API key',
  hint: 'An operator key opens the operator pages, a tenant key the tenant’s own pages. Keys start with arc_.',
  mistakes,
  input: (attributes) =>
    markup`<input ${attributes} name="key" type="password" autocomplete="current-password" spellcheck="false" required>`,
})}<div class="actions"><button>Sign in</button></div>
<p class="hint">You stay signed in for 8 hours, or until the key is revoked. The cookie does not contain the key.</p>
</form>
`,
  });
}
