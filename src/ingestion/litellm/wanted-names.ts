/**
 * The fields to pick from a JSON object: `true` for a value, or the fields to pick from the object that it holds.
 * `repeated` is for a long value that isn't picked, but that is the same in many objects, so that it need not be read each
 * time.
 */
export interface WantedFields {
  readonly [name: string]: true | 'repeated' | WantedFields;
}

/** A wanted field. */
export interface WantedName {
  readonly bytes: Uint8Array;
  /** The names that lead to it, joined by dots. */
  readonly path: string;
  /** The names to pick from its object; null: its value is picked. */
  readonly inside: WantedNames | null;
  /** Whether its value is not picked, but repeated in other objects. */
  readonly isRepeated: boolean;
}

/** The wanted names of one object, by their length in bytes: most names differ from all of them in length. */
export type WantedNames = readonly (readonly WantedName[] | undefined)[];

export function toWantedNames(fields: WantedFields, parent = ''): WantedNames {
  const byLength: WantedName[][] = [];
  for (const [name, wanted] of Object.entries(fields)) {
    const path = parent + name;
    const inside = typeof wanted === 'object' ? toWantedNames(wanted, `${path}.`) : null;
    const bytes = Buffer.from(name);
    (byLength[bytes.length] ??= []).push({
      bytes,
      path,
      inside,
      isRepeated: wanted === 'repeated',
    });
  }
  return byLength;
}

/** Finds the name that these bytes spell; null if it isn't wanted. Ends are exclusive. */
export function findWanted(
  names: WantedNames,
  bytes: Buffer,
  start: number,
  end: number,
): WantedName | null {
  const candidates = names[end - start];
  if (candidates === undefined) return null;
  for (const candidate of candidates) if (isAt(bytes, start, candidate.bytes)) return candidate;
  return null;
}

function isAt(bytes: Buffer, start: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at += 1) {
    if (bytes[start + at] !== name[at]) return false;
  }
  return true;
}
