import satisfies from 'spdx-satisfies';
import { lockedPackages } from './lockfile.mjs';

/** Licences that may be shipped: they require no more than a notice. */
const SHIPPED = [
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0', 'ISC'],
  // Fonts: may only be sold together with something else and under their own names.
  ...['Bitstream-Vera', 'OFL-1.1'],
  // Data, with attribution: caniuse-lite.
  ...['CC-BY-4.0', 'MIT', 'Unlicense'],
];
/** In addition, licences for building and testing, which are not shipped. */
const DEVELOPMENT = [...SHIPPED, 'CC-BY-3.0', 'MPL-2.0', 'Python-2.0', 'Zlib'];

/** Packages without an SPDX licence name, with the licence of their LICENSE file. */
const READ_BY_US = {
  'dejavu-fonts-ttf': 'Bitstream-Vera',
  'png-js': 'MIT',
  unionfs: 'Unlicense',
};

/**
 * Returns the packages whose licence isn't allowed.
 * @param lockfile npm's lockfile, version 3, which contains each package's SPDX expression
 * @returns one sentence per package
 */
export function licenceProblems(lockfile) {
  return lockedPackages(lockfile).flatMap(({ name, license, dev }) => {
    const expression = READ_BY_US[name] ?? license;
    if (isAllowed(expression, dev ? DEVELOPMENT : SHIPPED)) return [];
    return [`${name}: ${expression ?? 'no licence'}${dev ? '' : ', which we would ship'}`];
  });
}

/** Text that isn't an SPDX expression ("SEE LICENSE IN …") can't be allowed. */
function isAllowed(expression, allowed) {
  if (typeof expression !== 'string') return false;
  try {
    return satisfies(expression, allowed);
  } catch {
    return false;
  }
}
