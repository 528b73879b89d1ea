import type { Meter } from '@opentelemetry/api';
import { readFresh } from './read-fresh.ts';

/** Held events of one reason. */
export interface QuarantineGauge {
  readonly heldFor: string;
  readonly events: number;
  /** Age of the oldest one; 0: there is none. */
  readonly oldestSeconds: number;
}

/**
 * Registers the state of the quarantine, with every reason. It comes from the database, so any process can report it. If
 * the database can't be read, these metrics are absent.
 */
export function observeQuarantine(
  meter: Meter,
  read: () => Promise<readonly QuarantineGauge[]>,
): void {
  const held = meter.createObservableGauge('quarantine_held_events', {
    description: 'Usage events that were sent and could not be accepted, by reason.',
  });
  const oldest = meter.createObservableGauge('quarantine_oldest_held_seconds', {
    description: 'Age of the oldest of them; 0: there is none.',
  });
  const fresh = readFresh(read);
  meter.addBatchObservableCallback(
    async (result) => {
      for (const { heldFor: held_for, events, oldestSeconds } of await fresh().catch(() => [])) {
        result.observe(held, events, { held_for });
        result.observe(oldest, oldestSeconds, { held_for });
      }
    },
    [held, oldest],
  );
}
