import { distance } from 'fastest-levenshtein';

/** Names of IANA that ICU, and so Node, still knows by an older name. */
const RENAMED: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Cordoba': 'America/Argentina/Cordoba',
  'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis',
  'America/Jujuy': 'America/Argentina/Jujuy',
  'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
};

/** The names that are accepted: UTC, and those that name a place. */
const NAMES: ReadonlySet<string> = new Set([
  'UTC',
  ...Intl.supportedValuesOf('timeZone').map((name) => RENAMED[name] ?? name),
]);

const FIXED_OFFSET = /^(?:(?:UTC|GMT)?[+-]\d|Etc\/|GMT$|UCT$|Zulu$|Z$)/i;
const SUGGESTIONS = 3;
/** Characters of a wrong name that the message repeats; no name is nearly as long. */
const SHOWN = 100;
/** The largest number of typing mistakes in a name for which a suggestion is worthwhile. */
const MAX_MISTAKES = 3;

/**
 * Returns why a text can't be the billing time zone (docs/spec.md#billing-time-zone), or null if it can: it is the IANA
 * name of a place in its current spelling, or `UTC`. The message suggests similar names.
 */
export function whyNotTimeZone(text: string): string | null {
  if (NAMES.has(text)) return null;
  const name = JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
  if (FIXED_OFFSET.test(text)) {
    return (
      `${name} is a fixed offset, which knows no daylight saving: ` +
      'use the IANA name of a place, such as "Australia/Sydney", or "UTC"'
    );
  }
  const similar = findSimilar(text).map((each) => JSON.stringify(each));
  return similar.length > 0
    ? `${name} is not a time zone. Did you mean ${similar.join(' or ')}?`
    : `${name} is not a time zone: use an IANA name such as "Australia/Sydney"`;
}

/** Returns the current name of an old one. Otherwise the names with the same city, or those with the fewest mistakes. */
function findSimilar(text: string): readonly string[] {
  const current = currentName(text);
  if (current !== null) return [current];
  const wanted = simplify(text);
  const names = [...NAMES];
  const places = names.filter((name) => simplify(name.split('/').at(-1) ?? '') === wanted);
  if (places.length > 0) return places.slice(0, SUGGESTIONS);
  // Saves the comparison with a huge text.
  if (text.length > SHOWN) return [];
  const rated = names
    .map((name) => ({ name, mistakes: distance(simplify(name), wanted) }))
    .filter(({ mistakes }) => mistakes <= MAX_MISTAKES && mistakes < wanted.length)
    .sort((a, b) => a.mistakes - b.mistakes);
  return rated
    .filter(({ mistakes }) => mistakes === rated[0]?.mistakes)
    .slice(0, SUGGESTIONS)
    .map(({ name }) => name);
}

/** Returns the name in `NAMES` of an alias such as `US/Eastern`, or of a name in another case. */
function currentName(text: string): string | null {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions();
    const name = RENAMED[timeZone] ?? timeZone;
    return NAMES.has(name) ? name : null;
  } catch {
    return null;
  }
}

function simplify(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}
