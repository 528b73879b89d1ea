import { createHash } from 'node:crypto';

/** The policy of a page that may load nothing and run nothing: this one style sheet is its own. */
export function stylePolicy(style: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
