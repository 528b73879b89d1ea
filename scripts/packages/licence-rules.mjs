import satisfies from 'spdx-satisfies';
import { lockedPackages } from './lockfile.mjs';

/** What we may ship: nothing that asks more than a notice. */
const SHIPPED = [
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0', 'ISC'],
  // Fonts: to be sold together with something else, and under their own names only.
  ...['Bitstream-Vera', 'OFL-1.1'],
  // Data, with attribution: caniuse-lite.
  ...['CC-BY-4.0', 'MIT', 'Unlicense'],
];
/** Beside those, what we use to build and test, and hand to nobody. */
const DEVELOPMENT = [...SHIPPED, 'CC-BY-3.0', 'MPL-2.0', 'Python-2.0', 'Zlib'];

/** Packages that don't name their licence as SPDX does; this is what their LICENSE file says. */
const READ_BY_US = {
  'dejavu-fonts-ttf': 'Bitstream-Vera',
  'png-js': 'MIT',
  unionfs: 'Unlicense',
};

/**
 * Packages whose licence we haven't allowed.
 * @param lockfile npm's, version 3: it holds each package's SPDX expression
 * @returns a sentence each
 */
export function licenceProblems(lockfile) {
  return lockedPackages(lockfile).flatMap(({ name, license, dev }) => {
    const expression = READ_BY_US[name] ?? license;
    if (isAllowed(expression, dev ? DEVELOPMENT : SHIPPED)) return [];
    return [`${name}: ${expression ?? 'no licence'}${dev ? '' : ', which we would ship'}`];
  });
}

/** Whatever is no SPDX expression ("SEE LICENSE IN …") is nothing that could be allowed. */
function isAllowed(expression, allowed) {
  if (typeof expression !== 'string') return false;
  try {
    return satisfies(expression, allowed);
  } catch {
    return false;
  }
}
