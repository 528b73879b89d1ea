import { EventScanner, type ScannedEvent } from '../../../src/ingestion/litellm/event-scanner.ts';
import { toWantedNames, type WantedNames } from '../../../src/ingestion/litellm/wanted-names.ts';
import { LITELLM_FIELDS } from '../../../src/ingestion/litellm/litellm-request.ts';

/** Scans a body that arrives in chunks of a size, each of which is gone when the next one comes. */
export function scan(
  body: string | Buffer,
  { size = 64 * 1024, wanted = LITELLM_FIELDS }: { size?: number; wanted?: WantedNames } = {},
): readonly ScannedEvent[] {
  const bytes = Buffer.from(body);
  const scanner = new EventScanner(wanted);
  const found: ScannedEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    found.push(...scanner.push(chunk));
    chunk.fill('}');
  }
  return [...found, ...scanner.end()];
}

export const FEW = toWantedNames({
  id: true,
  n: true,
  same: 'repeated',
  in: { id: true, deep: { x: true }, same: 'repeated' },
});

/** What was picked, as plain objects; what has a flaw is its flaw. */
export function picked(events: readonly ScannedEvent[]): readonly unknown[] {
  return events.map(({ fields, flaw }) => flaw ?? Object.fromEntries(fields));
}
