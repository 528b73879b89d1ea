import type { BrowserContext } from 'playwright-core';

/**
 * Writes down what no page may do: ask another host for something, or log an error, which is how a
 * browser reports a breach of the page's policy (CSP), an exception and a resource that isn't there.
 * @param origins the origins that pages may contact
 * @param isExpected errors that a test provokes, by their text
 * @returns the problems so far, a sentence each; the list grows
 */
export function watchPages(
  context: BrowserContext,
  origins: ReadonlySet<string>,
  isExpected: (text: string) => boolean,
): readonly string[] {
  const problems: string[] = [];
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    // `data:` and `blob:` stay within the page.
    if (!['http:', 'https:', 'ws:', 'wss:'].includes(protocol) || origins.has(origin)) return;
    problems.push(`asked another host: ${request.method()} ${request.url()}`);
  });
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    const text = `${message.text()} (${message.location().url})`;
    if (!isExpected(text)) problems.push(`logged an error: ${text}`);
  });
  context.on('weberror', (webError) => {
    const { message } = webError.error();
    if (!isExpected(message)) problems.push(`threw: ${message}`);
  });
  return problems;
}
