-- Up Migration

-- Operators' actions through the API, the CLI and Temporal, and the Schedule's requests. A row is inserted
-- before the action runs, and its outcome is added once. If a row has no outcome, the process ended before the
-- action did: check where the action takes effect to find out whether it was done.
CREATE TABLE operator_actions (
  action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- `key:<label>`, `cli:<user>`, `schedule` or `temporal:<name>`, as in requests and on invoices.
  actor text NOT NULL,
  key_id uuid REFERENCES api_keys,
  channel text NOT NULL CHECK (channel IN ('api', 'cli', 'temporal', 'schedule')),
  -- The operationId of the API, the command (such as `invoices.void`), or the signal.
  action text NOT NULL,
  -- What the action is about: the path and query parameters, or the command's arguments.
  target json NOT NULL,
  -- The validated body, or the command's options. Null beyond 8 KiB, where only the digest is kept. (json
  -- rather than jsonb, because it accepts every text that JSON can contain.)
  input json,
  input_sha256 bytea NOT NULL CHECK (length(input_sha256) = 32),
  input_bytes integer NOT NULL,
  -- The request id in the API's log or, for a signal, its id in the month's workflow.
  request_id text,
  -- The month-end request that the action made, as `2026-05/<request id>`.
  month_request text,
  -- The tenants that the action names, or whose invoice it names; whether it is for all due tenants; and its reason.
  tenant_ids text[],
  all_tenants boolean NOT NULL DEFAULT false,
  reason text,
  requested_at timestamptz NOT NULL DEFAULT now(),
  outcome text CHECK (outcome IN ('done', 'refused', 'failed')),
  -- The HTTP status of the API, or the exit code of the command.
  status integer,
  detail text,
  answered_at timestamptz,
  CHECK ((channel = 'api') = (key_id IS NOT NULL)),
  CHECK ((input IS NULL) = (input_bytes > 8192)),
  CHECK ((outcome IS NULL) = (answered_at IS NULL) AND (outcome IS NULL) = (status IS NULL))
);
CREATE INDEX operator_actions_by_actor ON operator_actions (actor, action_id);
CREATE INDEX operator_actions_by_action ON operator_actions (action, action_id);
CREATE INDEX operator_actions_by_time ON operator_actions (requested_at);
CREATE INDEX operator_actions_by_tenant ON operator_actions USING gin (tenant_ids);
-- Nearly all actions are done.
CREATE INDEX operator_actions_not_done ON operator_actions (outcome, action_id)
  WHERE outcome IS DISTINCT FROM 'done';
CREATE INDEX operator_actions_by_month_request ON operator_actions (month_request)
  WHERE month_request IS NOT NULL;
-- A signal is one action, however often its workflow is reset or the step that records it is retried.
CREATE UNIQUE INDEX operator_actions_once ON operator_actions (channel, request_id)
  WHERE channel IN ('temporal', 'schedule');

-- The outcome is added once. Nothing else ever changes.
CREATE FUNCTION operator_actions_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.outcome IS NOT NULL OR NEW.outcome IS NULL
     OR ROW(NEW.action_id, NEW.actor, NEW.key_id, NEW.channel, NEW.action,
         NEW.target::text, NEW.input::text, NEW.input_sha256, NEW.input_bytes,
         NEW.request_id, NEW.month_request, NEW.tenant_ids, NEW.all_tenants, NEW.reason,
         NEW.requested_at)
        IS DISTINCT FROM
        ROW(OLD.action_id, OLD.actor, OLD.key_id, OLD.channel, OLD.action,
         OLD.target::text, OLD.input::text, OLD.input_sha256, OLD.input_bytes,
         OLD.request_id, OLD.month_request, OLD.tenant_ids, OLD.all_tenants, OLD.reason,
         OLD.requested_at)
  THEN
    RAISE EXCEPTION 'operator action % is recorded: only its outcome can be added, once', OLD.action_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  NEW.answered_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER operator_actions_end_once BEFORE UPDATE ON operator_actions
  FOR EACH ROW EXECUTE FUNCTION operator_actions_end_once();
CREATE TRIGGER operator_actions_are_kept BEFORE DELETE OR TRUNCATE ON operator_actions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Both processes record actions, but neither can set the times. The worker only needs to know whether a request
-- was announced, and through which channel, and whether a signal was served.
GRANT SELECT ON operator_actions TO arcadia_api, arcadia_readonly;
GRANT SELECT (action_id, actor, channel, request_id, month_request, outcome, input_sha256) ON operator_actions
  TO arcadia_worker;
GRANT INSERT (actor, key_id, channel, action, target, input, input_sha256, input_bytes, request_id,
    month_request, tenant_ids, all_tenants, reason),
  UPDATE (outcome, status, detail) ON operator_actions TO arcadia_api, arcadia_worker;
CALL isolate_tenants('operator_actions', 'api_keys', 'key_id');
