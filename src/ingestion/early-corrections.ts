/**
 * Corrections of a stream that came before the record that they replace, until that record comes. In a
 * batch everything is there at once; in a stream the record may be many lines away.
 */
export interface EarlyCorrections<Item> {
  /** @returns false where there is no room: the sender has to send it again */
  hold(recordId: string, item: Item): boolean;
  /** Takes out those that wait for one of these records. */
  takeFor(recordIds: Iterable<string>): readonly Item[];
  /** Takes out all of them. */
  takeAll(): readonly Item[];
}

/** Room for the corrections that all streams hold together. */
export interface EarlyRoom {
  left: number;
}

/** @param room shared with the other streams; give back what is held by `takeAll` in any case */
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
