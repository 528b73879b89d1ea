import { EventScanner, type ScannedEvent } from './event-scanner.ts';
import { LITELLM_FIELDS } from './litellm-request.ts';

/** Events that are committed together: more than a full batch of LiteLLM has, which is 512 by default. */
const MAX_GROUP_EVENTS = 1_000;
/** Characters of their fields: an event has 500. */
const MAX_GROUP_CHARS = 1024 * 1024;

/**
 * Reads the body that LiteLLM's `generic_api` callback sends, and yields its events in groups. Holds in memory one
 * group, of about a megabyte at most, and no body.
 * @throws what `chunks` throws, after the events before
 */
export async function* readLitellmEvents(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<readonly ScannedEvent[]> {
  const scanner = new EventScanner(LITELLM_FIELDS);
  let group: ScannedEvent[] = [];
  let chars = 0;
  const add = (events: readonly ScannedEvent[]): void => {
    for (const event of events) {
      group.push(event);
      chars += event.text.length;
      for (const text of event.fields.values()) chars += text.length;
    }
  };
  try {
    for await (const chunk of chunks) {
      add(scanner.push(chunk));
      if (group.length < MAX_GROUP_EVENTS && chars < MAX_GROUP_CHARS) continue;
      yield group;
      group = [];
      chars = 0;
    }
    add(scanner.end());
  } catch (error) {
    // What arrived whole is stored: the sender may not send it again.
    if (group.length > 0) yield group;
    throw error;
  }
  if (group.length > 0) yield group;
}
