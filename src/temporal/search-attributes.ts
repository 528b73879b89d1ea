import { isGrpcServiceError, type Connection } from '@temporalio/client';
import pRetry from 'p-retry';
import { SEARCH_ATTRIBUTES } from '../contracts/ids.ts';

/** Temporal's `IndexedValueType` of a Keyword; its protobuf package isn't one that we depend on. */
const KEYWORD = 2;
/** gRPC's codes. */
const INVALID_ARGUMENT = new Set<number>([3]);
const NOT_FOUND = new Set<number>([5]);
const ALREADY_EXISTS = new Set<number>([6]);
const NOT_ALLOWED = new Set<number>([7 /* PERMISSION_DENIED */, 12 /* UNIMPLEMENTED */]);

/** Below the API's time limit for a request to Temporal. */
const REQUEST_PATIENCE_MS = 6_000;
const REGISTRATION_PATIENCE_MS = 30_000;

/** Search attributes that the workflows need can't be registered in the namespace, or aren't usable there. */
export class SearchAttributesError extends Error {
  override readonly name = 'SearchAttributesError';
}

/**
 * Registers the search attributes that the namespace lacks, and waits until the server accepts them. Without them, no
 * month end can start.
 * @returns the names of the added ones
 * @throws SearchAttributesError if they must be registered by other means (Temporal Cloud), or if the server doesn't
 * accept them within 30 seconds
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
  if (missing.length === 0) return missing;
  await addKeywords(connection, namespace, missing);
  await untilUsable(connection, namespace, missing);
  return missing;
}

/**
 * Sends a request that sets search attributes, and retries it for some seconds while the server doesn't know one of
 * them: each frontend of a cluster caches a namespace on its own (for 2 seconds, by default), so one may not know yet
 * what was registered through another.
 * @throws SearchAttributesError if the server still doesn't know it; what `send` throws for any other reason
 */
export async function retryWhileAttributeUnknown<T>(
  namespace: string,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await pRetry(send, {
      ...PAUSES,
      maxRetryTime: REQUEST_PATIENCE_MS,
      shouldRetry: ({ error }) => findUnknownAttribute(error) !== null,
    });
  } catch (error) {
    const name = findUnknownAttribute(error);
    if (name === null) throw error;
    throw notUsable(namespace, name, REQUEST_PATIENCE_MS, error);
  }
}

const PAUSES = { retries: Infinity, minTimeout: 100, maxTimeout: 1_000 };

/**
 * Waits until the frontend accepts these search attributes. Counts workflows by them, because the list of attributes
 * doesn't come from the frontends' caches.
 * @throws SearchAttributesError after 30 seconds
 */
export async function untilUsable(
  connection: Connection,
  namespace: string,
  names: readonly string[],
): Promise<void> {
  const query = names.map((name) => `${name} = ''`).join(' AND ');
  try {
    await pRetry(() => connection.workflowService.countWorkflowExecutions({ namespace, query }), {
      ...PAUSES,
      maxRetryTime: REGISTRATION_PATIENCE_MS,
      shouldRetry: ({ error }) => isNotUsableYet(error),
    });
  } catch (error) {
    if (!isNotUsableYet(error)) throw error;
    throw notUsable(namespace, names.join(', '), REGISTRATION_PATIENCE_MS, error);
  }
}

/** A frontend may not know a new namespace either. */
function isNotUsableYet(error: unknown): boolean {
  const isNewNamespace = isGrpcServiceError(error) && NOT_FOUND.has(error.code);
  return isNewNamespace || findUnknownAttribute(error) !== null;
}

/** The server's messages, with the attribute's name: from its mapping, its validation and its queries. */
const UNKNOWN_ATTRIBUTE =
  /no mapping defined for search attribute (\w+)|search attribute (\w+) is not defined|column name '(\w+)' is not a valid search attribute/;

/** Returns the search attribute that the server doesn't know; null if that isn't the error. */
function findUnknownAttribute(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (!isGrpcServiceError(error)) return findUnknownAttribute(error.cause);
  const found = INVALID_ARGUMENT.has(error.code) && UNKNOWN_ATTRIBUTE.exec(error.details);
  return found ? (found.slice(1).find(Boolean) ?? null) : null;
}

function notUsable(namespace: string, names: string, waitedMs: number, cause: unknown): Error {
  return new SearchAttributesError(
    `Namespace ${namespace} doesn't know search attribute ${names}, after ${waitedMs / 1000} s of waiting. ` +
      'Run `npm run cli -- schedule apply`, which registers it (Temporal Cloud: add it as Keyword in the UI or ' +
      'with tcld), and try again.',
    { cause },
  );
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

/** Adds search attributes of type Keyword. @throws SearchAttributesError if the namespace doesn't allow it */
export async function addKeywords(
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
