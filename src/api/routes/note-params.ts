import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import {
  showNote,
  showNoteHeader,
  type NoteHeader,
  type NoteView,
} from '../../db/invoices/note-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { HttpProblem } from '../http/problems.ts';
import { lineNoParam } from './invoice-params.ts';

/** Path parameters of an adjustment note. The id may be any text: one that isn't a UUID is `not-found`. */
export const noteParams = z.strictObject({
  adjustment_note_id: z.string().meta({ format: 'uuid' }),
});

/** Path parameters of a line of a note. */
export const noteLineParams = noteParams.extend({ line_no: lineNoParam });

/**
 * Returns the adjustment note without its lines, if it exists and the caller may see it.
 * @throws HttpProblem `not-found`
 */
export async function requireNoteHeader(
  db: Queryable,
  noteId: string,
  caller: ApiKey,
): Promise<NoteHeader> {
  const isUuid = z.uuid().safeParse(noteId).success;
  const note = isUuid ? await showNoteHeader(db, noteId, caller.tenantId) : null;
  if (note === null) throw notANote();
  return note;
}

/**
 * Returns the adjustment note with its lines, if it exists and the caller may see it.
 * @throws HttpProblem `not-found`
 */
export async function requireNote(
  db: Queryable,
  noteId: string,
  caller: ApiKey,
): Promise<NoteView> {
  const isUuid = z.uuid().safeParse(noteId).success;
  const note = isUuid ? await showNote(db, noteId, caller.tenantId) : null;
  if (note === null) throw notANote();
  return note;
}

export function notANote(): HttpProblem {
  return new HttpProblem('not-found', 'there is no such adjustment note');
}
