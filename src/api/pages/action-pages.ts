import type { z } from 'zod';
import { reasonSchema } from '../../contracts/request-payload.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import type { Caller } from '../http/authenticate.ts';
import { HttpProblem, PROBLEMS, type RequestError } from '../http/problems.ts';
import {
  operatorPage,
  page,
  seeOther,
  type Form,
  type PageReply,
  type PageRoute,
} from './page-definition.ts';
import { toForm } from './sent-form.ts';
import { actionPage, seenOf, type ActionView, type Sentence } from './views/action-form.ts';
import type { FieldMistake } from './views/form-fields.ts';
import type { Visitor } from './views/layout.ts';

/** The call of an action's page. */
export interface ActionCall<Params, Values> {
  readonly params: Params;
  readonly values: Values;
  /** As it was typed. */
  readonly reason: string;
  readonly visitor: Visitor;
  readonly caller: Caller;
  readonly requestId: string;
}

/**
 * An action of operators: a page that says what will happen, and does it through the API's own routes, with the same
 * validation and record of the action.
 */
export interface ActionDefinition<Params, Values> {
  readonly path: string;
  readonly params: z.ZodType<Params>;
  /** Reads the values from the form, or from the query of the link that opens it. */
  readonly read: (sent: Form) => Values;
  /** Returns the values of a form that is opened; by default those of the link. */
  readonly propose?: (call: ActionCall<Params, Values>, deps: ApiDeps) => Promise<Values>;
  /** @throws HttpProblem `not-found` if there is nothing to do the action on */
  readonly view: (call: ActionCall<Params, Values>, deps: ApiDeps) => Promise<ActionView>;
  /**
   * Returns what will happen, by the checks of the route; empty if the values don't say enough yet. Changes nothing.
   * @throws HttpProblem as the route would
   */
  readonly foresee: (
    call: ActionCall<Params, Values>,
    deps: ApiDeps,
  ) => Promise<readonly Sentence[]>;
  /**
   * Whether this form has already done its work, because it was sent twice. Then `run` is called even if the action is no
   * longer possible: the route counts a repeated call once, and refuses one with other content.
   */
  readonly wasDone: (call: ActionCall<Params, Values>, deps: ApiDeps) => Promise<boolean>;
  /** Calls the route. Returns the path of the page that shows the result. */
  readonly run: (call: ActionCall<Params, Values>, deps: ApiDeps) => Promise<string>;
  /** The id and the label of the form's field, by the place that an error of the route names. */
  readonly fields: Readonly<Record<string, readonly [id: string, label: string]>>;
}

/** Defines the page of an action: the form by GET, and what it does by POST. */
export function operatorAction<Params, Values>(
  definition: ActionDefinition<Params, Values>,
): readonly [PageRoute, PageRoute] {
  const { path, params } = definition;
  type Call = ActionCall<Params, Values>;
  const asked = operatorPage({ path, params }, async (incoming, deps) => {
    const query = toForm(new URL(incoming.path, 'http://page').searchParams);
    const linked = toCall(definition, query, incoming);
    const values = (await definition.propose?.(linked, deps)) ?? linked.values;
    const call: Call = { ...linked, values };
    const outlook = await outlookOf(definition, call, deps);
    // Empty fields are not reported before the form is sent.
    const mistakes = outlook.mistakes.filter(({ field }) => field === null);
    const view = await definition.view(call, deps);
    return show(view, call, { ...outlook, mistakes, status: 200 }, incoming.path);
  });
  const sent = operatorPage({ method: 'post', path, params }, async (incoming, deps) => {
    const call = toCall(definition, incoming.form, incoming);
    const outlook = await outlookOf(definition, call, deps);
    const view = await definition.view(call, deps);
    const isSeen = incoming.form.text('seen') === seenOf(outlook.consequences);
    const isConfirmed = incoming.form.text('confirmed') === 'true';
    const mistakes = [
      ...outlook.mistakes,
      ...reasonMistakes(view, call),
      ...(isSeen && !isConfirmed ? confirmMistakes(view) : []),
    ];
    const isRefused = view.refusal !== null || mistakes.length > 0;
    // Asked last: of two clicks at the same time, one may do it while the other reads what will happen.
    if ((isRefused || !isSeen) && !(await definition.wasDone(call, deps))) {
      const refused = { ...outlook, mistakes, status: 422 };
      const shown = isRefused ? refused : { ...outlook, isChanged: true };
      return show(view, call, shown, incoming.path);
    }
    try {
      return seeOther(await definition.run(call, deps));
    } catch (error) {
      const { mistakes, status } = answerTo(error, definition.fields);
      const outlook = await outlookOf(definition, call, deps);
      const current = await definition.view(call, deps);
      return show(current, call, { ...outlook, mistakes, status }, incoming.path);
    }
  });
  return [asked, { ...sent, asksFirst: true }];
}

function toCall<Params, Values>(
  { read }: ActionDefinition<Params, Values>,
  sent: Form,
  { params, visitor, caller, requestId }: Omit<ActionCall<Params, Values>, 'values' | 'reason'>,
): ActionCall<Params, Values> {
  const reason = sent.text('reason');
  return { params, values: read(sent), reason, visitor, caller, requestId };
}

interface Outlook {
  readonly consequences: readonly Sentence[];
  readonly mistakes: readonly FieldMistake[];
  readonly isChanged: boolean;
  readonly status: number;
}

async function outlookOf<Params, Values>(
  { foresee, fields }: ActionDefinition<Params, Values>,
  call: ActionCall<Params, Values>,
  deps: ApiDeps,
): Promise<Outlook> {
  try {
    const consequences = await foresee(call, deps);
    return { consequences, mistakes: [], isChanged: false, status: 200 };
  } catch (error) {
    const { mistakes, status } = answerTo(error, fields);
    return { consequences: [], mistakes, isChanged: false, status };
  }
}

/** Returns a problem that people can solve in the form. @throws any other error */
function answerTo(error: unknown, fields: ActionDefinition<unknown, unknown>['fields']) {
  if (!(error instanceof HttpProblem)) throw error;
  const { problem, message, errors } = error;
  const { status } = PROBLEMS[problem];
  // Nothing is lost: the form still has what was typed, and its request id makes sending it again safe.
  const isSendable = problem === 'temporal-unavailable';
  if (status !== 409 && problem !== 'invalid-request' && !isSendable) throw error;
  const mistakes =
    errors.length === 0
      ? [{ field: null, detail: message }]
      : errors.map((each) => toMistake(each, fields));
  return { mistakes, status: isSendable ? status : 422 };
}

function toMistake(
  { pointer, parameter, detail }: RequestError,
  fields: ActionDefinition<unknown, unknown>['fields'],
): FieldMistake {
  const place = pointer ?? parameter ?? '';
  const [id, label] = place === '/reason' ? ['reason', 'Reason'] : (fields[place] ?? []);
  return id === undefined ? { field: null, detail } : { field: id, detail: `${label}: ${detail}` };
}

function reasonMistakes(
  { reasonHint }: ActionView,
  { reason }: Pick<ActionCall<unknown, unknown>, 'reason'>,
): readonly FieldMistake[] {
  if (reasonHint === undefined || reasonSchema.safeParse(reason).success) return [];
  return [{ field: 'reason', detail: 'Reason: give one, of at most 1,000 characters' }];
}

function confirmMistakes({ confirmation }: ActionView): readonly FieldMistake[] {
  if (confirmation === undefined) return [];
  return [{ field: 'confirmed', detail: 'Tick the box if that is what you want' }];
}

function show(
  view: ActionView,
  { visitor, reason }: Pick<ActionCall<unknown, unknown>, 'visitor' | 'reason'>,
  { consequences, mistakes, isChanged, status }: Outlook,
  path: string,
): PageReply {
  const html = actionPage({
    ...{ visitor, view, reason, consequences, mistakes, isChanged },
    path: new URL(path, 'http://page').pathname,
  });
  return page(html, status);
}

/** Whether a form has made a change that is recorded: the reason of another operator stays. */
export function isOwn(
  made: { readonly actor: string | null; readonly reason: string | null } | null | undefined,
  { caller, reason }: Pick<ActionCall<unknown, unknown>, 'caller' | 'reason'>,
): boolean {
  return made?.actor === `key:${caller.label}` && made.reason === reason.trim();
}
