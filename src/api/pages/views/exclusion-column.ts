import type { EventBehindLine } from '../../../db/usage/provenance.ts';
import type { UsageSource } from '../../../db/usage/usage-ledger.ts';
import { markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import type { Column } from './html-table.ts';
import { excludeHref } from './places.ts';

/** How operators exclude the events of a list. */
export interface ExclusionColumn {
  readonly source: UsageSource;
  /** The page with the list, to return to. */
  readonly from: string;
  /** Those of its events that are excluded by now, also where the document still bills them. */
  readonly excludedIds: ReadonlySet<string>;
}

/** Returns the column with the link that excludes an event; none for tenants. */
export function exclusionColumn(
  exclusion: ExclusionColumn | null,
): readonly Column<EventBehindLine>[] {
  if (exclusion === null) return [];
  const { source, from, excludedIds } = exclusion;
  return [
    {
      head: 'Exclude',
      cell: ({ event_id, is_excluded }) => {
        if (is_excluded) return '';
        if (excludedIds.has(event_id)) return badge('busy', 'excluded by the next rerun');
        return markup`<a href="${excludeHref(source, event_id, from)}">Exclude<span class="heard"> ${event_id}</span></a>`;
      },
    },
  ];
}
