import type { Queryable } from '../../db/pool.ts';
import { countQuarantined, listUnpricedModels } from '../../db/usage/quarantine-views.ts';
import { heldText } from '../../display/quarantine-text.ts';
import { ok, warning, type Check } from './doctor-check.ts';

export const QUARANTINE = 'quarantine';

/** Maximum number of models that are named. */
const SHOWN_MODELS = 10;

/** Finds usage that was sent, could not be accepted, and is therefore not billed. */
export async function checkQuarantine(db: Queryable): Promise<readonly Check[]> {
  const counts = await countQuarantined(db);
  if (counts.length === 0) return [ok(QUARANTINE, 'no usage is held')];
  const models = await listUnpricedModels(db, SHOWN_MODELS + 1);
  const named =
    models.slice(0, SHOWN_MODELS).join(', ') + (models.length > SHOWN_MODELS ? ', …' : '');
  return [
    warning(
      QUARANTINE,
      `events are held and not billed: ${heldText(counts)}` +
        (models.length === 0 ? '' : `; models without a price: ${named}`),
      'npm run cli -- quarantine list',
    ),
  ];
}
