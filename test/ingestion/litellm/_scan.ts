import { EventScanner, type ScannedEvent } from '../../../src/ingestion/litellm/event-scanner.ts';
import { toWantedNames, type WantedNames } from '../../../src/ingestion/litellm/wanted-names.ts';
import { LITELLM_FIELDS } from '../../../src/ingestion/litellm/litellm-request.ts';

/** Scans a body that arrives in chunks of a size. */
export function scan(
  body: string | Buffer,
  { size = 64 * 1024, wanted = LITELLM_FIELDS }: { size?: number; wanted?: WantedNames } = {},
): readonly ScannedEvent[] {
  const bytes = Buffer.from(body);
  const scanner = new EventScanner(wanted);
  const found: ScannedEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    found.push(...scanner.push(bytes.subarray(at, at + size)));
  }
  return [...found, ...scanner.end()];
}

export const FEW = toWantedNames({ id: true, n: true, in: { id: true, deep: { x: true } } });

/** What was picked, as plain objects; what has a flaw is its flaw. */
export function picked(events: readonly ScannedEvent[]): readonly unknown[] {
  return events.map(({ fields, flaw }) => flaw ?? Object.fromEntries(fields));
}
