import { userInfo } from 'node:os';

/** Who asks, as it is kept with a request: `cli:anna`. */
export function actor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // A container's user may have no name.
    return 'cli';
  }
}
