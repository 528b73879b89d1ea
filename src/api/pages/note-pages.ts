import { showTenant } from '../../db/catalogue/tenant-views.ts';
import { noteParams, requireNote } from '../routes/note-params.ts';
import { operatorPage, page } from './page-definition.ts';
import { notePage } from './views/note-html.ts';

/** Shows an adjustment note. */
export const oneNote = operatorPage(
  { path: '/operator/adjustment-notes/:adjustment_note_id', params: noteParams },
  async ({ params, visitor, caller }, { db, temporalLinks = null }) => {
    const note = await requireNote(db, params.adjustment_note_id, caller);
    const tenant = await showTenant(db, note.tenant_id);
    return page(
      notePage({
        visitor,
        note,
        tenantName: tenant?.name ?? note.tenant_id,
        temporal: temporalLinks,
      }),
    );
  },
);
