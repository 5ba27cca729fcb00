/**
 * What the database does by itself: functions, each of which is one statement of a client, and so is done or not. A client that is
 * frozen holds no lock between two statements, for there are none.
 *
 * All changes of a group lock its row, and are made one after the other; each has a greater revision. A revision is at least the
 * wall clock in microseconds: a database that has lost its last changes makes none of the lost revisions again.
 * `clock_timestamp()` is the clock: `now()` is when the transaction began, which may have waited for a lock since.
 */

/** So many changes of a group are kept for those that ask for them; who is further behind begins anew. */
export const keptChanges = 1_000

/** More keys than this are no group's. */
export const mostKeys = 10_000

/** The group's row is locked, and made where it is not there. */
const lockGroup = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.lock_group(the_group text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM 1 FROM ${schema}.groups WHERE name = the_group FOR UPDATE;
  IF FOUND THEN RETURN; END IF;
  INSERT INTO ${schema}.groups (name, revision, number) VALUES (the_group, 0, 0) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM ${schema}.groups WHERE name = the_group FOR UPDATE;
  -- A watch begins at a change that is in the log: so there is one from the beginning.
  IF NOT EXISTS (SELECT FROM ${schema}.changes WHERE group_name = the_group) THEN
    WITH g AS (SELECT * FROM ${schema}.next_revision(the_group))
    INSERT INTO ${schema}.changes (group_name, revision, position, number, kind)
    SELECT the_group, g.revision, 0, g.number, 'begun' FROM g;
  END IF;
END
$function$`

/** The next revision, once the group's row is locked; what is too old leaves the log. */
const nextRevision = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.next_revision(the_group text) RETURNS ${schema}.groups LANGUAGE plpgsql AS $function$
DECLARE
  g ${schema}.groups;
BEGIN
  UPDATE ${schema}.groups
  SET revision = greatest(revision + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), number = number + 1
  WHERE name = the_group
  RETURNING * INTO g;
  DELETE FROM ${schema}.changes WHERE group_name = the_group AND number <= g.number - ${keptChanges};
  RETURN g;
END
$function$`

/** A session ends with all that is bound to it, once the group's row is locked; not while a fenced transaction rests on it. */
const endSession = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.end_session(the_group text, the_session text, why text) RETURNS boolean
LANGUAGE plpgsql AS $function$
DECLARE
  bound text[];
  g ${schema}.groups;
BEGIN
  SELECT coalesce(array_agg(free.key ORDER BY free.key), '{}') INTO bound
  FROM (
    SELECT key FROM ${schema}.entries WHERE group_name = the_group AND session = the_session FOR UPDATE SKIP LOCKED
  ) AS free;
  IF cardinality(bound) < (
    SELECT count(*) FROM ${schema}.entries WHERE group_name = the_group AND session = the_session
  ) THEN
    RETURN false;
  END IF;
  DELETE FROM ${schema}.sessions
  WHERE group_name = the_group AND id = the_session AND (why <> 'expired' OR expires_at <= clock_timestamp());
  IF NOT FOUND OR cardinality(bound) = 0 THEN RETURN true; END IF;
  g := ${schema}.next_revision(the_group);
  DELETE FROM ${schema}.entries WHERE group_name = the_group AND key = ANY (bound);
  INSERT INTO ${schema}.changes (group_name, revision, position, number, kind, key)
  SELECT the_group, g.revision, b.position, g.number, why, b.key FROM unnest(bound) WITH ORDINALITY AS b (key, position);
  RETURN true;
END
$function$`

/** Sessions that are over end, once the group's row is locked. */
const expire = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.expire(the_group text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM ${schema}.end_session(the_group, s.id, 'expired')
  FROM ${schema}.sessions AS s WHERE s.group_name = the_group AND s.expires_at <= clock_timestamp();
END
$function$`

/** Renews a session, or begins it: `renewed`, `begun`, or `over`. It locks that session alone. */
const renew = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.renew(the_group text, the_session text, ttl_ms integer, begins boolean) RETURNS text
LANGUAGE plpgsql AS $function$
BEGIN
  UPDATE ${schema}.sessions SET expires_at = clock_timestamp() + ttl_ms * interval '1 millisecond'
  WHERE group_name = the_group AND id = the_session AND expires_at > clock_timestamp();
  IF FOUND THEN RETURN 'renewed'; END IF;
  IF NOT begins THEN RETURN 'over'; END IF;
  INSERT INTO ${schema}.sessions (group_name, id, expires_at)
  VALUES (the_group, the_session, clock_timestamp() + ttl_ms * interval '1 millisecond')
  ON CONFLICT DO NOTHING;
  RETURN CASE WHEN FOUND THEN 'begun' ELSE 'over' END;
END
$function$`

/** Makes changes where the conditions hold: `done`, `refused`, or `over`, where something is bound and the session is over. */
const commit = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.commit(
  the_group text, the_session text, conditions text, puts text, removals text
) RETURNS text LANGUAGE plpgsql AS $function$
DECLARE
  put_keys text[] := ARRAY(SELECT p->>'key' FROM json_array_elements(puts::json) AS p);
  removed text[] := ARRAY(SELECT json_array_elements_text(removals::json));
  g ${schema}.groups;
BEGIN
  PERFORM ${schema}.lock_group(the_group);
  PERFORM ${schema}.expire(the_group);
  IF the_session IS NOT NULL AND NOT EXISTS (
    SELECT FROM ${schema}.sessions
    WHERE group_name = the_group AND id = the_session AND expires_at > clock_timestamp()
  ) THEN
    RETURN 'over';
  END IF;
  IF EXISTS (
    SELECT FROM json_array_elements(conditions::json) AS c
    LEFT JOIN ${schema}.entries AS e ON e.group_name = the_group AND e.key = c->>'key'
    WHERE e.version::text IS DISTINCT FROM c->>'version'
  ) THEN
    RETURN 'refused';
  END IF;
  -- Nobody waits for a fenced transaction with the group's row locked: this one is tried again.
  PERFORM 1 FROM ${schema}.entries
  WHERE group_name = the_group AND key = ANY (put_keys || removed) FOR UPDATE NOWAIT;
  removed := ARRAY(
    SELECT r.key FROM unnest(removed) WITH ORDINALITY AS r (key, position)
    JOIN ${schema}.entries AS e ON e.group_name = the_group AND e.key = r.key ORDER BY r.position
  );
  IF cardinality(put_keys) + cardinality(removed) = 0 THEN RETURN 'done'; END IF;
  g := ${schema}.next_revision(the_group);
  WITH put AS (
    SELECT p.value->>'key' AS key, p.value->>'value' AS value, p.position,
      CASE WHEN (p.value->>'bound')::boolean THEN the_session END AS session
    FROM json_array_elements(puts::json) WITH ORDINALITY AS p (value, position)
  ), written AS (
    INSERT INTO ${schema}.entries (group_name, key, value, version, session)
    SELECT the_group, key, value, g.revision, session FROM put
    ON CONFLICT (group_name, key) DO UPDATE
    SET value = excluded.value, version = excluded.version, session = excluded.session
  )
  INSERT INTO ${schema}.changes (group_name, revision, position, number, kind, key, value, session)
  SELECT the_group, g.revision, position, g.number, 'put', key, value, session FROM put;
  DELETE FROM ${schema}.entries WHERE group_name = the_group AND key = ANY (removed);
  INSERT INTO ${schema}.changes (group_name, revision, position, number, kind, key)
  SELECT the_group, g.revision, cardinality(put_keys) + r.position, g.number, 'deleted', r.key
  FROM unnest(removed) WITH ORDINALITY AS r (key, position);
  RETURN 'done';
END
$function$`

/** Ends a session in order; false where a fenced transaction still rests on it. */
const close = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.close(the_group text, the_session text) RETURNS boolean LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM ${schema}.lock_group(the_group);
  RETURN ${schema}.end_session(the_group, the_session, 'deleted');
END
$function$`

/** Who asks for changes ends what is over, unless another is at it. */
const sweep = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.sweep(the_group text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  IF NOT EXISTS (
    SELECT FROM ${schema}.sessions WHERE group_name = the_group AND expires_at <= clock_timestamp()
  ) THEN
    RETURN;
  END IF;
  PERFORM 1 FROM ${schema}.groups WHERE name = the_group FOR UPDATE SKIP LOCKED;
  IF FOUND THEN PERFORM ${schema}.expire(the_group); END IF;
END
$function$`

/** All entries at one revision; a group with none has one row without a key. */
const picture = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.picture(the_group text)
RETURNS TABLE (revision text, key text, value text, version text, session text) LANGUAGE plpgsql AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM ${schema}.groups AS g WHERE g.name = the_group) THEN
    PERFORM ${schema}.lock_group(the_group);
  END IF;
  PERFORM ${schema}.sweep(the_group);
  RETURN QUERY
    SELECT g.revision::text, e.key, e.value, e.version::text, e.session
    FROM ${schema}.groups AS g LEFT JOIN ${schema}.entries AS e ON e.group_name = g.name
    WHERE g.name = the_group ORDER BY e.key LIMIT ${mostKeys + 1};
END
$function$`

/** The changes from a revision on, which comes first: where it does not, the log has lost it. */
const changes = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.changes_from(the_group text, seen bigint)
RETURNS TABLE (revision text, kind text, key text, value text, session text) LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM ${schema}.sweep(the_group);
  RETURN QUERY
    SELECT c.revision::text, c.kind, c.key, c.value, c.session FROM ${schema}.changes AS c
    WHERE c.group_name = the_group AND c.revision >= seen ORDER BY c.revision, c.position;
END
$function$`

/**
 * Within a transaction: whether that reign lasts, whose key then stays until the transaction is over. From here on the database ends
 * the transaction where nothing is heard of it for so long, and none of its statements takes or waits longer.
 */
const fence = (schema: string) => `
CREATE OR REPLACE FUNCTION ${schema}.fence(the_group text, the_key text, the_session text, the_term text, limit_ms integer)
RETURNS boolean LANGUAGE plpgsql AS $function$
DECLARE
  setting text;
BEGIN
  FOREACH setting IN ARRAY ARRAY['idle_in_transaction_session_timeout', 'statement_timeout', 'lock_timeout'] LOOP
    IF current_setting(setting)::interval NOT BETWEEN interval '1 ms' AND limit_ms * interval '1 ms' THEN
      PERFORM set_config(setting, limit_ms::text, true);
    END IF;
  END LOOP;
  PERFORM 1 FROM ${schema}.entries AS e
  JOIN ${schema}.sessions AS s ON s.group_name = e.group_name AND s.id = e.session
  WHERE e.group_name = the_group AND e.key = the_key AND e.session = the_session
    AND e.value::json->>'term' = the_term AND s.expires_at > clock_timestamp()
  FOR SHARE OF e;
  RETURN FOUND;
END
$function$`

/** All of them, each after those that it calls. */
export const all = (schema: string): ReadonlyArray<string> =>
  [nextRevision, lockGroup, endSession, expire, renew, commit, close, sweep, picture, changes, fence].map((make) =>
    make(schema).trim()
  )
