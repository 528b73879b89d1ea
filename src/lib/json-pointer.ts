/** JSON pointers (RFC 6901): `/plans/0/code`. */

/** @returns the pointer for a path of names and indexes; empty for the whole document */
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
