import { markup } from '../../../lib/markup.ts';
import { layout } from './layout.ts';

export interface ProblemView {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly advice: string;
  readonly requestId: string;
}

/** An error, for people; what the API answers as problem details. */
export function problemPage({ status, title, detail, advice, requestId }: ProblemView): string {
  return layout({
    title,
    visitor: null,
    main: markup`<p class="note bad">${detail}</p>
<p>${advice}</p>
<p class="soft">Status ${status}. Our logs have it under <span class="id">${requestId}</span>.</p>
<ul class="links"><li><a href="/operator/months">Months</a></li><li><a href="/quote">Quote</a></li><li><a href="/sign-in">Sign in with another key</a></li></ul>
`,
  });
}
