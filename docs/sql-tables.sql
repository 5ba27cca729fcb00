-- The tables and functions of groups in Postgres, for those who make them themselves: see docs/sql.md.
-- Made from the migrations of bellwether/Sql by `npm run docs:write`.

BEGIN;

CREATE SCHEMA IF NOT EXISTS bellwether_groups;

CREATE TABLE bellwether_groups.migrations (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE bellwether_groups.groups (
  name text COLLATE "C" PRIMARY KEY,
  revision bigint NOT NULL,
  number bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE bellwether_groups.sessions (
  group_name text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (group_name, id)
) WITH (fillfactor = 50);

CREATE TABLE bellwether_groups.entries (
  group_name text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value text NOT NULL,
  version bigint NOT NULL,
  session text COLLATE "C",
  PRIMARY KEY (group_name, key)
);

CREATE INDEX entries_by_session ON bellwether_groups.entries (group_name, session);

CREATE TABLE bellwether_groups.changes (
  group_name text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  position bigint NOT NULL,
  number bigint NOT NULL,
  kind text NOT NULL,
  key text,
  value text,
  session text,
  PRIMARY KEY (group_name, revision, position)
);

CREATE INDEX changes_by_number ON bellwether_groups.changes (group_name, number);

CREATE OR REPLACE FUNCTION bellwether_groups.next_revision(the_group text) RETURNS bellwether_groups.groups LANGUAGE plpgsql AS $function$
DECLARE
  g bellwether_groups.groups;
BEGIN
  UPDATE bellwether_groups.groups
  SET revision = greatest(revision + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), number = number + 1
  WHERE name = the_group
  RETURNING * INTO g;
  DELETE FROM bellwether_groups.changes WHERE group_name = the_group AND number <= g.number - 1000;
  RETURN g;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.lock_group(the_group text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM 1 FROM bellwether_groups.groups WHERE name = the_group FOR UPDATE;
  IF FOUND THEN RETURN; END IF;
  INSERT INTO bellwether_groups.groups (name, revision, number) VALUES (the_group, 0, 0) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM bellwether_groups.groups WHERE name = the_group FOR UPDATE;
  -- A watch begins at a change that is in the log: so there is one from the beginning.
  IF NOT EXISTS (SELECT FROM bellwether_groups.changes WHERE group_name = the_group) THEN
    WITH g AS (SELECT * FROM bellwether_groups.next_revision(the_group))
    INSERT INTO bellwether_groups.changes (group_name, revision, position, number, kind)
    SELECT the_group, g.revision, 0, g.number, 'begun' FROM g;
  END IF;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.end_session(the_group text, the_session text, why text) RETURNS boolean
LANGUAGE plpgsql AS $function$
DECLARE
  bound text[];
  g bellwether_groups.groups;
BEGIN
  SELECT coalesce(array_agg(free.key ORDER BY free.key), '{}') INTO bound
  FROM (
    SELECT key FROM bellwether_groups.entries WHERE group_name = the_group AND session = the_session FOR UPDATE SKIP LOCKED
  ) AS free;
  IF cardinality(bound) < (
    SELECT count(*) FROM bellwether_groups.entries WHERE group_name = the_group AND session = the_session
  ) THEN
    RETURN false;
  END IF;
  DELETE FROM bellwether_groups.sessions
  WHERE group_name = the_group AND id = the_session AND (why <> 'expired' OR expires_at <= clock_timestamp());
  IF NOT FOUND OR cardinality(bound) = 0 THEN RETURN true; END IF;
  g := bellwether_groups.next_revision(the_group);
  DELETE FROM bellwether_groups.entries WHERE group_name = the_group AND key = ANY (bound);
  INSERT INTO bellwether_groups.changes (group_name, revision, position, number, kind, key)
  SELECT the_group, g.revision, b.position, g.number, why, b.key FROM unnest(bound) WITH ORDINALITY AS b (key, position);
  RETURN true;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.expire(the_group text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM bellwether_groups.end_session(the_group, s.id, 'expired')
  FROM bellwether_groups.sessions AS s WHERE s.group_name = the_group AND s.expires_at <= clock_timestamp();
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.renew(the_group text, the_session text, ttl_ms integer, begins boolean) RETURNS text
LANGUAGE plpgsql AS $function$
BEGIN
  UPDATE bellwether_groups.sessions SET expires_at = clock_timestamp() + ttl_ms * interval '1 millisecond'
  WHERE group_name = the_group AND id = the_session AND expires_at > clock_timestamp();
  IF FOUND THEN RETURN 'renewed'; END IF;
  IF NOT begins THEN RETURN 'over'; END IF;
  INSERT INTO bellwether_groups.sessions (group_name, id, expires_at)
  VALUES (the_group, the_session, clock_timestamp() + ttl_ms * interval '1 millisecond')
  ON CONFLICT DO NOTHING;
  RETURN CASE WHEN FOUND THEN 'begun' ELSE 'over' END;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.commit(
  the_group text, the_session text, conditions text, puts text, removals text
) RETURNS text LANGUAGE plpgsql AS $function$
DECLARE
  put_keys text[] := ARRAY(SELECT p->>'key' FROM json_array_elements(puts::json) AS p);
  removed text[] := ARRAY(SELECT json_array_elements_text(removals::json));
  g bellwether_groups.groups;
BEGIN
  PERFORM bellwether_groups.lock_group(the_group);
  PERFORM bellwether_groups.expire(the_group);
  IF the_session IS NOT NULL AND NOT EXISTS (
    SELECT FROM bellwether_groups.sessions
    WHERE group_name = the_group AND id = the_session AND expires_at > clock_timestamp()
  ) THEN
    RETURN 'over';
  END IF;
  IF EXISTS (
    SELECT FROM json_array_elements(conditions::json) AS c
    LEFT JOIN bellwether_groups.entries AS e ON e.group_name = the_group AND e.key = c->>'key'
    WHERE e.version::text IS DISTINCT FROM c->>'version'
  ) THEN
    RETURN 'refused';
  END IF;
  -- Nobody waits for a fenced transaction with the group's row locked: this one is tried again.
  PERFORM 1 FROM bellwether_groups.entries
  WHERE group_name = the_group AND key = ANY (put_keys || removed) FOR UPDATE NOWAIT;
  removed := ARRAY(
    SELECT r.key FROM unnest(removed) WITH ORDINALITY AS r (key, position)
    JOIN bellwether_groups.entries AS e ON e.group_name = the_group AND e.key = r.key ORDER BY r.position
  );
  IF cardinality(put_keys) + cardinality(removed) = 0 THEN RETURN 'done'; END IF;
  g := bellwether_groups.next_revision(the_group);
  WITH put AS (
    SELECT p.value->>'key' AS key, p.value->>'value' AS value, p.position,
      CASE WHEN (p.value->>'bound')::boolean THEN the_session END AS session
    FROM json_array_elements(puts::json) WITH ORDINALITY AS p (value, position)
  ), written AS (
    INSERT INTO bellwether_groups.entries (group_name, key, value, version, session)
    SELECT the_group, key, value, g.revision, session FROM put
    ON CONFLICT (group_name, key) DO UPDATE
    SET value = excluded.value, version = excluded.version, session = excluded.session
  )
  INSERT INTO bellwether_groups.changes (group_name, revision, position, number, kind, key, value, session)
  SELECT the_group, g.revision, position, g.number, 'put', key, value, session FROM put;
  DELETE FROM bellwether_groups.entries WHERE group_name = the_group AND key = ANY (removed);
  INSERT INTO bellwether_groups.changes (group_name, revision, position, number, kind, key)
  SELECT the_group, g.revision, cardinality(put_keys) + r.position, g.number, 'deleted', r.key
  FROM unnest(removed) WITH ORDINALITY AS r (key, position);
  RETURN 'done';
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.close(the_group text, the_session text) RETURNS boolean LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM bellwether_groups.lock_group(the_group);
  RETURN bellwether_groups.end_session(the_group, the_session, 'deleted');
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.sweep(the_group text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  IF NOT EXISTS (
    SELECT FROM bellwether_groups.sessions WHERE group_name = the_group AND expires_at <= clock_timestamp()
  ) THEN
    RETURN;
  END IF;
  PERFORM 1 FROM bellwether_groups.groups WHERE name = the_group FOR UPDATE SKIP LOCKED;
  IF FOUND THEN PERFORM bellwether_groups.expire(the_group); END IF;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.picture(the_group text)
RETURNS TABLE (revision text, key text, value text, version text, session text) LANGUAGE plpgsql AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM bellwether_groups.groups AS g WHERE g.name = the_group) THEN
    PERFORM bellwether_groups.lock_group(the_group);
  END IF;
  PERFORM bellwether_groups.sweep(the_group);
  RETURN QUERY
    SELECT g.revision::text, e.key, e.value, e.version::text, e.session
    FROM bellwether_groups.groups AS g LEFT JOIN bellwether_groups.entries AS e ON e.group_name = g.name
    WHERE g.name = the_group ORDER BY e.key LIMIT 10001;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.changes_from(the_group text, seen bigint)
RETURNS TABLE (revision text, kind text, key text, value text, session text) LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM bellwether_groups.sweep(the_group);
  RETURN QUERY
    SELECT c.revision::text, c.kind, c.key, c.value, c.session FROM bellwether_groups.changes AS c
    WHERE c.group_name = the_group AND c.revision >= seen ORDER BY c.revision, c.position;
END
$function$;

CREATE OR REPLACE FUNCTION bellwether_groups.fence(the_group text, the_key text, the_session text, the_term text, limit_ms integer)
RETURNS boolean LANGUAGE plpgsql AS $function$
DECLARE
  setting text;
BEGIN
  FOREACH setting IN ARRAY ARRAY['idle_in_transaction_session_timeout', 'statement_timeout', 'lock_timeout'] LOOP
    IF current_setting(setting)::interval NOT BETWEEN interval '1 ms' AND limit_ms * interval '1 ms' THEN
      PERFORM set_config(setting, limit_ms::text, true);
    END IF;
  END LOOP;
  PERFORM 1 FROM bellwether_groups.entries AS e
  JOIN bellwether_groups.sessions AS s ON s.group_name = e.group_name AND s.id = e.session
  WHERE e.group_name = the_group AND e.key = the_key AND e.session = the_session
    AND e.value::json->>'term' = the_term AND s.expires_at > clock_timestamp()
  FOR SHARE OF e;
  RETURN FOUND;
END
$function$;

INSERT INTO bellwether_groups.migrations (version) VALUES (1);

COMMIT;
