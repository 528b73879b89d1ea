import { recordKeyUse, type ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import type { Logger } from '../../lib/logger.ts';
import { errorForLog } from './error-for-log.ts';

const NOTE_EVERY_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Notes that a key is in use: at most once a minute, and nobody waits for it. */
export type NoteKeyUse = (key: ApiKey) => void;

/**
 * It writes behind the request's back. Where that fails, nothing is lost but the time of a use: the
 * next one is a minute away.
 */
export function createKeyUse(db: Queryable, logger: Logger, now: () => Date): NoteKeyUse {
  const notedAt = new Map<string, number>();
  return ({ keyId }) => {
    const at = now();
    const last = notedAt.get(keyId);
    if (last !== undefined && at.getTime() - last < NOTE_EVERY_MS) return;
    if (notedAt.size >= MAX_REMEMBERED) notedAt.clear();
    notedAt.set(keyId, at.getTime());
    recordKeyUse(db, keyId, at).catch((error: unknown) => {
      logger.warn({ keyId, error: errorForLog(error) }, 'the use of an API key was not noted');
    });
  };
}
