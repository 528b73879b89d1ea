import { Markup, markup } from '../../../lib/markup.ts';
import { ownAsset } from '../../http/assets.ts';

export const STYLESHEET = ownAsset(new URL('./assets/pages.css', import.meta.url));
export const LIVE_SCRIPT = ownAsset(new URL('./assets/live.js', import.meta.url));

/** The signed-in visitor of a page, and how to show things to them. */
export interface Visitor {
  /** Label of the key that they signed in with. */
  readonly label: string;
  readonly scope: 'operator' | 'tenant';
  /** The billing time zone, in which pages show instants. */
  readonly timeZone: string;
  /** Forms that change something must send it back. */
  readonly formToken: string;
}

export interface Page {
  /** Title of the document, and its first heading. */
  readonly title: string;
  /** Null before sign-in and on error pages. */
  readonly visitor: Visitor | null;
  readonly main: Markup;
  /** What an operator has searched for. */
  readonly search?: string;
  /** Links to the parent pages, the nearest last. */
  readonly trail?: readonly Link[];
  /** Whether `live.js` refreshes parts of the page. */
  readonly isLive?: boolean;
  /** Whether a submitted form has errors. The title says so, because screen readers read it first. */
  readonly hasErrors?: boolean;
}

export interface Link {
  readonly href: string;
  readonly text: string;
}

/** Name of the form field with the visitor's token. */
export const FORM_TOKEN = 'form_token';

const DOCTYPE = new Markup('<!doctype html>');
/** Without scripts the whole page reloads, a little less often. */
const RELOAD = markup`<noscript><meta http-equiv="refresh" content="5"></noscript>
<script src="${LIVE_SCRIPT.path}" defer></script>
`;

/** Renders a whole document. */
export function layout(page: Page): string {
  const { title, visitor, main, trail = [], isLive = false, hasErrors = false } = page;
  const { search = '' } = page;
  return markup`${DOCTYPE}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${hasErrors ? 'Error: ' : ''}${title} – Arcadia invoicing</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLESHEET.path}">
${isLive ? RELOAD : ''}</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
<div class="bar-inner"><a class="brand" href="${visitor === null ? '/sign-in?then=' : rootOf(visitor)}">Arcadia invoicing</a>
${navigation(visitor, search)}</div>
</header>
<main id="main" tabindex="-1">
${trailOf(trail)}<h1>${title}</h1>
${main}</main>
</body>
</html>
`.text;
}

/** Returns where a visitor's pages are. Invoices and adjustment notes have the same paths below it. */
export function rootOf({ scope }: Pick<Visitor, 'scope'>): '/operator' | '/tenant' {
  return `/${scope}`;
}

const NAVIGATION: Readonly<Record<Visitor['scope'], readonly Link[]>> = {
  operator: [
    { href: '/operator/months', text: 'Months' },
    { href: '/operator/tenants', text: 'Tenants' },
    { href: '/operator/receivables', text: 'Receivables' },
    { href: '/operator/items', text: 'Charges and credits' },
    { href: '/operator/quarantine', text: 'Quarantine' },
    { href: '/operator/webhooks', text: 'Webhooks' },
    { href: '/operator/keys', text: 'Keys' },
    { href: '/operator/audit', text: 'Audit log' },
    { href: '/quote', text: 'Quote' },
    { href: '/docs', text: 'API' },
  ],
  tenant: [
    { href: '/tenant', text: 'This month' },
    { href: '/tenant/invoices', text: 'Invoices' },
    { href: '/tenant/usage', text: 'Usage' },
    { href: '/tenant/thresholds', text: 'Thresholds' },
    { href: '/quote', text: 'Quote' },
  ],
};

function navigation(visitor: Visitor | null, search: string): Markup {
  if (visitor === null) return markup``;
  const links = NAVIGATION[visitor.scope].map(
    ({ href, text }) => markup`<a href="${href}">${text}</a> `,
  );
  return markup`<nav aria-label="Pages">${links}</nav>
${visitor.scope === 'operator' ? searchForm(search) : ''}<form class="sign-out" method="post" action="/sign-out">${formToken(visitor)}<span class="who">${visitor.label}</span> <button class="quiet">Sign out</button></form>
`;
}

function searchForm(search: string): Markup {
  return markup`<form class="search" method="get" action="/operator/search" role="search"><label class="heard" for="site-search">Tenant, invoice or adjustment note</label><input id="site-search" name="q" type="search" value="${search}" placeholder="Tenant or number" maxlength="100" autocomplete="off" spellcheck="false"> <button class="quiet">Search</button></form>
`;
}

/** Renders the hidden field that a form needs to change something. */
export function formToken({ formToken: token }: Visitor): Markup {
  return markup`<input type="hidden" name="${FORM_TOKEN}" value="${token}">`;
}

function trailOf(trail: readonly Link[]): Markup {
  if (trail.length === 0) return markup``;
  const steps = trail.map(({ href, text }) => markup`<li><a href="${href}">${text}</a></li>`);
  return markup`<nav aria-label="Breadcrumb" class="trail"><ol>${steps}</ol></nav>
`;
}
