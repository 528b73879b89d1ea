import { chargeText, reasonText } from '../../../display/quarantine-text.ts';
import { counted, groupDigits } from '../../../domain/format.ts';
import type { Dismissal } from '../../../ingestion/quarantine/dismiss-quarantined.ts';
import type { Release } from '../../../ingestion/quarantine/release-quarantined.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';

const TRAIL = [{ href: '/operator/quarantine', text: 'Quarantine' }];

/** Renders what a release did. Sending its form again does no harm: an event counts once. */
export function releasedPage(visitor: Visitor, release: Release): string {
  const { released, already_accepted, added, still_held, is_complete } = release;
  return layout({
    title: 'Released',
    visitor,
    trail: TRAIL,
    main: markup`<dl class="facts">
<div><dt>Released</dt><dd>${groupDigits(released)}</dd></div>
${already_accepted === 0 ? '' : markup`<div><dt>Accepted before</dt><dd>${groupDigits(already_accepted)}</dd></div>\n`}${added.map((charge) => markup`<div><dt>Added to the ledger</dt><dd>${chargeText(charge)}</dd></div>\n`)}</dl>
${
  still_held.length === 0
    ? ''
    : table({
        caption: 'Still held',
        hasVisibleCaption: true,
        empty: '',
        rows: still_held,
        columns: [
          { head: 'Reason', isHead: true, cell: ({ held_for }) => reasonText(held_for) },
          { head: 'Events', isFigure: true, cell: ({ events }) => groupDigits(events) },
          { head: 'For example', cell: ({ example }) => example },
        ],
      })
}${next(is_complete)}`,
  });
}

/** Renders what a dismissal did. */
export function dismissedPage(visitor: Visitor, dismissal: Dismissal): string {
  const { dismissed, already_accepted, is_complete } = dismissal;
  return layout({
    title: 'Dismissed',
    visitor,
    trail: TRAIL,
    main: markup`<dl class="facts">
<div><dt>Dismissed</dt><dd>${groupDigits(dismissed)}</dd></div>
</dl>
${already_accepted === 0 ? '' : markup`<p class="note">Still held, because the ledger has accepted ${already_accepted === 1 ? 'it' : 'them'}: ${counted(already_accepted, 'event')}. Release ${already_accepted === 1 ? 'it' : 'them'}, which adds nothing.</p>\n`}${next(is_complete)}`,
  });
}

function next(isComplete: boolean): Markup {
  return markup`<p>${isComplete ? '' : 'There are more events: send the form again. '}<a href="/operator/quarantine">Back to the quarantine</a></p>
`;
}
