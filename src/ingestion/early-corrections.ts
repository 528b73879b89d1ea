/**
 * Holds the corrections of a stream that arrive before the record that they replace. In a batch all entries are
 * there at once; in a stream the record may be many lines away.
 */
export interface EarlyCorrections<Item> {
  /** @returns false if there is no room: the sender has to send the correction again */
  hold(recordId: string, item: Item): boolean;
  /** Removes and returns the corrections that wait for one of these records. */
  takeFor(recordIds: Iterable<string>): readonly Item[];
  /** Removes and returns all corrections. */
  takeAll(): readonly Item[];
}

/** The remaining room for corrections, shared by all streams. */
export interface EarlyRoom {
  left: number;
}

/**
 * Creates an empty holder for one stream.
 * @param room shared with the other streams; always call `takeAll` at the end, to return the room
 */
export function createEarlyCorrections<Item>(room: EarlyRoom): EarlyCorrections<Item> {
  const waiting = new Map<string, Item[]>();

  function take(recordId: string): readonly Item[] {
    const items = waiting.get(recordId) ?? [];
    waiting.delete(recordId);
    room.left += items.length;
    return items;
  }

  return {
    hold(recordId, item) {
      if (room.left <= 0) return false;
      room.left -= 1;
      const items = waiting.get(recordId);
      if (items) items.push(item);
      else waiting.set(recordId, [item]);
      return true;
    },
    takeFor: (recordIds) => (waiting.size === 0 ? [] : [...recordIds].flatMap(take)),
    takeAll: () => [...waiting.keys()].flatMap(take),
  };
}
