import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/ids.ts';

/** Temporal's `IndexedValueType` of a Keyword; its protobuf package isn't one that we depend on. */
const KEYWORD = 2;
/** gRPC's codes. */
const ALREADY_EXISTS = new Set<number>([6]);
const NOT_ALLOWED = new Set<number>([7 /* PERMISSION_DENIED */, 12 /* UNIMPLEMENTED */]);

/** The search attributes that the workflows need can't be registered in the namespace. */
export class SearchAttributesError extends Error {
  override readonly name = 'SearchAttributesError';
}

/**
 * Registers the search attributes that the namespace lacks. Without them, no month end can start.
 * @returns the names of the added ones
 * @throws SearchAttributesError if they must be registered by other means (Temporal Cloud)
 */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<readonly string[]> {
  const { missing, wrong } = await compareSearchAttributes(connection, namespace);
  if (wrong.length > 0) {
    throw new SearchAttributesError(
      `In namespace ${namespace} these search attributes have another type than Keyword: ` +
        `${wrong.join(', ')}. Use another namespace.`,
    );
  }
  if (missing.length > 0) await addKeywords(connection, namespace, missing);
  return missing;
}

/**
 * Returns the search attributes that the namespace lacks, and those that it has with another type.
 * @throws SearchAttributesError if the namespace doesn't allow listing them
 */
export async function compareSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<{ readonly missing: readonly string[]; readonly wrong: readonly string[] }> {
  const wanted = Object.keys(SEARCH_ATTRIBUTES);
  const known = await listSearchAttributes(connection, namespace);
  return {
    missing: wanted.filter((name) => !known.has(name)),
    wrong: wanted.filter((name) => known.has(name) && known.get(name) !== KEYWORD),
  };
}

async function listSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<ReadonlyMap<string, number>> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    return new Map(Object.entries(customAttributes));
  } catch (error) {
    throw explain(error, namespace, Object.keys(SEARCH_ATTRIBUTES));
  }
}

async function addKeywords(
  connection: Connection,
  namespace: string,
  names: readonly string[],
): Promise<void> {
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    // Another process that started at the same time was faster.
    if (isGrpcServiceError(error) && ALREADY_EXISTS.has(error.code)) return;
    throw explain(error, namespace, names);
  }
}

function explain(error: unknown, namespace: string, names: readonly string[]): unknown {
  if (!isGrpcServiceError(error) || !NOT_ALLOWED.has(error.code)) return error;
  return new SearchAttributesError(
    `Namespace ${namespace} doesn't let this client register search attributes (${error.details}). ` +
      `Add them as Keyword in Temporal Cloud's UI or with tcld: ${names.join(', ')}.`,
    { cause: error },
  );
}
