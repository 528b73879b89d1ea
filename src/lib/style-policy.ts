import { createHash } from 'node:crypto';

/** Returns the policy of a page that may load and run nothing except this inline style sheet. */
export function stylePolicy(style: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
