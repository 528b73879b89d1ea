import { createHash } from 'node:crypto';

/**
 * A Content-Security-Policy of an answer that loads, runs, sends and frames nothing.
 * @param allowed directives for what it may do after all
 */
export function contentPolicy(allowed: readonly string[] = []): string {
  return [
    "default-src 'none'",
    ...allowed,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The policy of a page that may load nothing and run nothing: this one style sheet is its own. */
export function stylePolicy(style: string): string {
  const digest = createHash('sha256').update(style).digest('base64');
  return contentPolicy([`style-src 'sha256-${digest}'`]);
}
