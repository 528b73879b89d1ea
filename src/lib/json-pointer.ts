/** JSON pointers (RFC 6901): `/plans/0/code`. */

/** @returns the pointer to what a path of names and indexes leads to; empty for the whole */
export function toPointer(path: readonly PropertyKey[]): string {
  return path
    .map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

/** @returns the path that a pointer names; indexes as text */
export function fromPointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}
