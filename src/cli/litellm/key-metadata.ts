import { z } from 'zod';
import {
  SpendLogError,
  aliasOf,
  teamOf,
  type FindKeyMetadata,
  type KeyMetadata,
} from './spend-log-event.ts';
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
  /** Answers of `/team/list`. Needed for the keys of teams. */
  readonly teams?: string | undefined;
}

/**
 * Reads exports of LiteLLM's keys and teams, whose metadata says which deployment pays and which its spend log lacks.
 * Without the files, no row has metadata. With them, rows are refused whose key or team they lack: the rest of the
 * metadata could name the wrong payer.
 * @throws CliError
 */
export async function readKeyMetadata({ keys, teams }: KeyFiles): Promise<FindKeyMetadata> {
  if (keys === undefined) {
    if (teams === undefined) return () => ({});
    throw new CliError(
      '--teams requires --keys: the metadata of a key may name the deployment that pays.',
    );
  }
  const ofKeys = new Map(
    (await readPages(keys, pages.keys)).map(({ token, metadata }) => [token, metadata ?? {}]),
  );
  const ofTeams =
    teams &&
    new Map(
      (await readPages(teams, pages.teams)).map(({ team_id, metadata }) => [
        team_id,
        metadata ?? {},
      ]),
    );
  const metadataOfTeam = (teamId: string): KeyMetadata => {
    if (!ofTeams) {
      throw new SpendLogError(
        `its team ${teamId} may name the tenant that pays: --teams is missing`,
      );
    }
    const found = ofTeams.get(teamId);
    if (found !== undefined) return found;
    throw new SpendLogError(`its team ${teamId} is not in the file of --teams`);
  };
  return (row) => {
    const team = teamOf(row);
    const own = ofKeys.get(row.api_key ?? '');
    // The master key is in no list. It has neither a team nor an alias.
    if (own === undefined && (team ?? aliasOf(row)) !== null) {
      throw new SpendLogError(`its key ${row.api_key ?? ''} is not in the file of --keys`);
    }
    // As in LiteLLM: what the team says replaces what the key says.
    return { ...own, ...(team !== null && metadataOfTeam(team)) };
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
