import { lockedPackages } from './lockfile.mjs';

/** The fields that `npm ci` compares between the manifest and the lockfile's copy of it. */
const SAME = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/**
 * Checks a lockfile: every package has its hash, none is tied to an address (the configured
 * registry serves it, and the hash decides), the manifest is the locked one, and every package with
 * an install script has an entry in `allowScripts`.
 * @returns one sentence per problem
 */
export function lockfileProblems({ manifest, lockfile }) {
  const packages = lockedPackages(lockfile);
  const root = lockfile.packages[''] ?? {};
  const { allowScripts = {} } = manifest;
  return [
    ...packages
      .filter(({ integrity, link }) => !link && !/^sha(512|384)-/.test(integrity ?? ''))
      .map(({ path }) => `${path} has no integrity`),
    ...packages
      .filter(({ resolved, link }) => resolved !== undefined || link)
      .map(({ path, resolved }) => `${path} comes from ${resolved}, not from the registry`),
    ...SAME.filter((field) => !isSame(manifest[field], root[field])).map(
      (field) => `${field} are not those of package.json: run npm install`,
    ),
    ...packages
      .filter(
        ({ hasInstallScript, name }) => hasInstallScript && !Object.hasOwn(allowScripts, name),
      )
      .map(
        ({ name }) => `${name} has an install script, and allowScripts doesn't say whether it may`,
      ),
  ];
}

function isSame(left = {}, right = {}) {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}
