import { judgeSchedule, judgeWorkers } from '../../audit/watchdog-temporal.ts';
import { connectWithin } from '../../lib/connect-within.ts';
import { NOTICES_SCHEDULE_ID, SWEEP_SCHEDULE_ID, TASK_QUEUE } from '../../contracts/ids.ts';
import {
  readTemporalTarget,
  temporalServer,
  type TemporalClient,
  type TemporalTarget,
} from '../../temporal/connection.ts';
import { listWorkers, type PollingWorker } from '../../temporal/worker-versions.ts';
import {
  readOtherSchedule,
  readSchedule,
  type ScheduleFacts,
} from '../../temporal/schedule-facts.ts';
import {
  SearchAttributesError,
  compareSearchAttributes,
} from '../../temporal/search-attributes.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import { withDatabase, type Environment } from '../environment.ts';
import { adviceFor, attempt, checkThat, ok, problem, unknown, type Check } from './doctor-check.ts';

const PATIENCE_SECONDS = 2;
const ANSWER_TIMEOUT_MS = 5_000;

/** Checks the Temporal server, the namespace, the Schedules and the workers. */
export async function checkTemporal(env: Environment, now: Date): Promise<readonly Check[]> {
  const calendar = attempt(() => withDatabase(env, (db) => loadCalendar(db)));
  const reached = await attempt(async () => {
    const target = readTemporalTarget(env);
    return { target, temporal: await connect(target) };
  });
  if (!reached.ok) return unreachable(reached.complaint, reached.hint);
  const { target, temporal } = reached.value;
  const { client, connection, namespace } = temporal;
  const inTime = (name: string, look: () => Promise<readonly Check[]>) =>
    checkThat(name, () => client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, look));
  try {
    const known = await attempt(() =>
      client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
        client.workflowService.describeNamespace({ namespace }),
      ),
    );
    if (!known.ok) return unreachable(known.complaint);
    return [
      ok('temporal', `Temporal at ${target.address} answers, namespace ${namespace}`),
      ...(await inTime('search attributes', () => checkSearchAttributes(temporal))),
      ...(await inTime('schedule', async () =>
        toChecks(await readSchedule(client), now, await calendar),
      )),
      ...(await inTime(DAILY_NOTICES.name, () => checkOther(client, DAILY_NOTICES))),
      ...(await inTime(USAGE_SWEEP.name, () => checkOther(client, USAGE_SWEEP))),
      ...(await inTime('worker', async () => checkWorkers(await listWorkers(client)))),
    ];
  } finally {
    await connection.close();
  }
}

function connect(target: TemporalTarget): Promise<TemporalClient> {
  return connectWithin(temporalServer(target), { timeoutSeconds: PATIENCE_SECONDS });
}

function unreachable(complaint: string, hint: string | null = null): readonly Check[] {
  const advice = hint ?? adviceFor({ code: 'temporal_unreachable', month: null });
  return [
    problem('temporal', complaint, advice),
    ...['search attributes', 'schedule', DAILY_NOTICES.name, USAGE_SWEEP.name, 'worker'].map(
      (name) => unknown(name, 'not checked: Temporal does not answer'),
    ),
  ];
}

async function checkSearchAttributes({
  connection,
  namespace,
}: TemporalClient): Promise<readonly Check[]> {
  const name = 'search attributes';
  try {
    const { missing, wrong } = await compareSearchAttributes(connection, namespace);
    if (wrong.length > 0) {
      const detail = `not of type Keyword: ${wrong.join(', ')}`;
      return [problem(name, detail, 'use another namespace')];
    }
    return missing.length > 0
      ? [problem(name, `missing: ${missing.join(', ')}`, 'npm run cli -- schedule apply')]
      : [ok(name, 'registered')];
  } catch (error) {
    // Temporal Cloud doesn't tell whether they are registered; closing a month shows it.
    if (error instanceof SearchAttributesError) return [unknown(name, error.message)];
    throw error;
  }
}

/** Adds the Schedule's note to the watchdog's finding: operators may see it, the API's public page doesn't show it. */
function toChecks(
  schedule: ScheduleFacts | null,
  now: Date,
  calendar: Awaited<ReturnType<typeof attempt<BillingCalendar>>>,
): readonly Check[] {
  if (!calendar.ok)
    return [unknown('schedule', 'not checked: the billing time zone cannot be read')];
  const findings = judgeSchedule(schedule, now, calendar.value);
  if (findings.length === 0) {
    const next = schedule?.nextActionTimes[0]?.toISOString();
    return [ok('schedule', `active; fires next at ${next}`)];
  }
  return findings.map((finding) => {
    const note = finding.code === 'schedule_paused' && schedule?.note;
    const detail = note ? `${finding.detail} (${note})` : finding.detail;
    return problem('schedule', detail, adviceFor(finding));
  });
}

/** A Schedule beside the month end's, and what is missing without it. */
interface OtherCheck {
  readonly name: string;
  readonly scheduleId: string;
  readonly missing: string;
}
const DAILY_NOTICES: OtherCheck = {
  name: 'daily notices',
  scheduleId: NOTICES_SCHEDULE_ID,
  missing: 'nobody is notified of overdue invoices',
};
const USAGE_SWEEP: OtherCheck = {
  name: 'usage sweep',
  scheduleId: SWEEP_SCHEDULE_ID,
  missing: 'nobody is notified of spend thresholds, and held usage waits',
};

async function checkOther(
  client: TemporalClient['client'],
  { name, scheduleId, missing }: OtherCheck,
): Promise<readonly Check[]> {
  const schedule = await readOtherSchedule(client, scheduleId);
  if (schedule === null) {
    return [problem(name, `there is no Schedule: ${missing}`, 'npm run cli -- schedule apply')];
  }
  if (schedule.isPaused) {
    const note = schedule.note ? ` (${schedule.note})` : '';
    return [
      problem(
        name,
        `the Schedule is paused: ${missing}${note}`,
        `unpause the Schedule ${scheduleId} in Temporal's Web UI`,
      ),
    ];
  }
  return [ok(name, `active; next at ${schedule.next?.toISOString() ?? 'no time'}`)];
}

function checkWorkers(workers: readonly PollingWorker[]): readonly Check[] {
  const name = 'worker';
  if (judgeWorkers(workers).length === 0) {
    const current = workers.filter(({ isCurrent }) => isCurrent);
    const identities = current.map(({ identity }) => identity).join(', ');
    return [ok(name, `polling ${TASK_QUEUE}: ${identities}`)];
  }
  if (workers.length > 0) {
    const builds = [...new Set(workers.map(({ buildId }) => buildId ?? 'without a version'))];
    return [
      problem(
        name,
        `the workers that poll have builds that get no tasks: ${builds.join(', ')}`,
        'npm run cli -- workers promote BUILD',
      ),
    ];
  }
  return [
    problem(
      name,
      `no worker polls ${TASK_QUEUE} in this namespace, so requests wait`,
      'npm start -- worker, with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE',
    ),
  ];
}
