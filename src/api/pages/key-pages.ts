import { z } from 'zod';
import {
  KEY_STATES,
  keyState,
  listKeyPage,
  SCOPES,
  type ListedApiKey,
} from '../../db/access/api-keys.ts';
import { visibleId } from '../../ingestion/usage-fields.ts';
import { cursorInstant, pagedBy } from '../http/paging.ts';
import { KEYS_PATH, keysPage } from './views/keys-html.ts';
import { nextHref, operatorPage, page, pageQuery } from './page-definition.ts';

const KEYS_A_PAGE = 100;
const readKeys = pagedBy(
  z.strictObject({ createdAt: cursorInstant, keyId: z.uuid() }),
  ({ createdAt, keyId }: ListedApiKey) => ({ createdAt, keyId }),
);

/** Lists API keys. Only the command line makes and ends them, because a browser may not see a key. */
export const keys = operatorPage(
  {
    path: KEYS_PATH,
    query: z.object({
      ...pageQuery,
      scope: z.enum(SCOPES).optional(),
      tenant_id: visibleId(200).optional(),
      state: z.enum(KEY_STATES).optional(),
    }),
  },
  async ({ query, visitor, path }, deps) => {
    const { scope, tenant_id: tenantId, state, cursor } = query;
    const now = deps.now();
    const filter = { scope, tenantId, state: state && { is: state, at: now } };
    const { entries, next_cursor } = await readKeys({ limit: KEYS_A_PAGE, cursor }, (asked) =>
      listKeyPage(deps.db, filter, asked),
    );
    return page(
      keysPage({
        visitor,
        keys: entries.map((key) => ({ ...key, state: keyState(key, now) })),
        filter: { scope: scope ?? '', tenantId: tenantId ?? '', state: state ?? '' },
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);
