import type { Queryable } from '../../db/pool.ts';
import type { HeldRow } from '../../db/usage/quarantine.ts';
import { findDeployments, readContentHashes } from '../../db/usage/usage-ledger.ts';
import { findOwnerError, parseEvent } from '../check-event.ts';
import { LLM_USAGE } from '../llm-event.ts';

/**
 * Finds the held events that the ledger has with the content that they were held with, because they were sent again and
 * accepted. One that only shares its id with accepted usage isn't among them: the ledger has another event.
 * @returns their quarantine ids
 */
export async function findAcceptedAsSent(
  db: Queryable,
  rows: readonly Pick<HeldRow, 'quarantineId' | 'fields'>[],
): Promise<ReadonlySet<number>> {
  const parsed = rows.flatMap(({ quarantineId, fields }) => {
    const outcome = parseEvent(LLM_USAGE.schema, fields);
    return outcome.ok ? { quarantineId, event: outcome.event } : [];
  });
  if (parsed.length === 0) return new Set();
  const deploymentIds = new Set(parsed.map(({ event }) => event.deployment_id));
  const found = await findDeployments(db, [...deploymentIds]);
  const deployments = new Map(found.map((each) => [each.deploymentId, each]));
  const entries = parsed.flatMap(({ quarantineId, event }) => {
    const deployment = deployments.get(event.deployment_id);
    // The ledger has never taken such an event: tenant and currency of a deployment never change.
    if (deployment === undefined || findOwnerError(event, deployment) !== null) return [];
    const place = { serviceMonth: '', barred: null };
    const { id, contentHash } = LLM_USAGE.toEntry(event, deployment, place);
    return { quarantineId, id, contentHash };
  });
  if (entries.length === 0) return new Set();
  const ids = entries.map(({ id }) => id);
  const stored = await readContentHashes(db, LLM_USAGE.source, ids);
  const accepted = entries.filter(({ id, contentHash }) => stored.get(id) === contentHash);
  return new Set(accepted.map(({ quarantineId }) => quarantineId));
}
