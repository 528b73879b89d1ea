import { z } from 'zod';
import type { FindKeyMetadata, KeyMetadata } from './spend-log-event.ts';
import { splitJson } from './split-json.ts';
import { CliError } from '../cli-error.ts';
import { readTextFile } from '../read-input-file.ts';

const metadata = z.record(z.string(), z.unknown()).nullish();
const key = z.object({ token: z.string(), team_id: z.string().nullish(), metadata });
const team = z.object({ team_id: z.string(), metadata });
/** What LiteLLM answers to `/key/list`, `/v2/team/list` and, team by team, `/team/list`. */
const pages = {
  keys: z.object({ keys: z.array(key) }).transform(({ keys }) => keys),
  teams: z.union([
    z.object({ teams: z.array(team) }).transform(({ teams }) => teams),
    team.transform((one) => [one]),
  ]),
};

export interface KeyFiles {
  /** Answers of `/key/list?return_full_object=true`. */
  readonly keys?: string | undefined;
  /** Answers of `/team/list`. */
  readonly teams?: string | undefined;
}

/**
 * Reads exports of LiteLLM's keys and teams, whose metadata says which deployment pays and which its spend log lacks.
 * Without the files, no row has metadata.
 * @throws CliError
 */
export async function readKeyMetadata({ keys, teams }: KeyFiles): Promise<FindKeyMetadata> {
  const ofTeams = new Map(
    (teams === undefined ? [] : await readPages(teams, pages.teams)).map(
      ({ team_id, metadata }) => [team_id, metadata ?? {}] as const,
    ),
  );
  // As in LiteLLM: what the team says replaces what the key says.
  const withTeam = (teamId: string | null | undefined, own: KeyMetadata = {}): KeyMetadata => ({
    ...own,
    ...(teamId && ofTeams.get(teamId)),
  });
  if (keys === undefined) return ({ team_id }) => withTeam(team_id);
  const ofKeys = new Map(
    (await readPages(keys, pages.keys)).map(({ token, metadata }) => [token, metadata ?? {}]),
  );
  return ({ api_key, team_id }) => {
    // The master key is in no list, and has no team.
    const own = ofKeys.get(api_key ?? '') ?? (team_id ? undefined : {});
    return own && withTeam(team_id, own);
  };
}

async function readPages<T>(path: string, page: z.ZodType<T[]>): Promise<T[]> {
  const read: T[] = [];
  try {
    for await (const text of splitJson([await readTextFile(path)])) {
      read.push(...page.parse(JSON.parse(text)));
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new CliError(`${path} is not an answer of LiteLLM's /key/list or /team/list`, {
      list: reason.split('\n'),
      cause: error,
    });
  }
  return read;
}
