/** Faults put into the functions of the database on purpose: each is seen by one of the cases of a registry. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SqlFunctions from "../../src/sql/SqlFunctions.ts"
import * as SqlTables from "../../src/sql/SqlTables.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import * as Postgres from "./Postgres.ts"
import * as SqlCases from "./SqlCases.ts"
import * as SqlPlace from "./SqlPlace.ts"

/** A statement may take two seconds. */
const leaseDuration = Duration.seconds(12)

/** What is said instead of what. */
const mutants: Readonly<Record<string, readonly [was: string, is: string]>> = {
  "conditions are not looked at": ["WHERE e.version::text IS DISTINCT FROM c->>'version'", "WHERE false"],
  "a version that is another holds": ["IS DISTINCT FROM c->>'version'", "IS NULL AND c->>'version' IS NOT NULL"],
  "changes do not wait for each other": [
    "PERFORM 1 FROM SCHEMA.groups WHERE name = the_group FOR UPDATE;\n  IF FOUND",
    "PERFORM 1 FROM SCHEMA.groups WHERE name = the_group;\n  IF FOUND"
  ],
  "something is bound to a session that is over": [
    "RETURN 'over';\n  END IF;\n  IF EXISTS",
    "NULL;\n  END IF;\n  IF EXISTS"
  ],
  "a session is renewed that is over": [
    "AND id = the_session AND expires_at > clock_timestamp();\n  IF FOUND",
    "AND id = the_session;\n  IF FOUND"
  ],
  "a renewal lasts no longer than what was left": [
    "SET expires_at = clock_timestamp() + ttl_ms * interval '1 millisecond'",
    "SET expires_at = expires_at"
  ],
  "a change does not end what is over": ["PERFORM SCHEMA.expire(the_group);\n  IF the_session", "IF the_session"],
  "who asks does not end what is over": ["IF FOUND THEN PERFORM SCHEMA.expire(the_group); END IF;", ""],
  "what ran out was removed": ["end_session(the_group, s.id, 'expired')", "end_session(the_group, s.id, 'deleted')"],
  "who closes its session has run out": [
    "end_session(the_group, the_session, 'deleted')",
    "end_session(the_group, the_session, 'expired')"
  ],
  "a key that another has put since goes with the session": ["session = excluded.session", "session = entries.session"],
  "removals come first": ["cardinality(put_keys) + r.position", "r.position - 100"],
  "puts come in another order": [
    "'put', key, value, session FROM put",
    "'put', key, value, session FROM (SELECT key, value, session, -position AS position FROM put) AS put"
  ],
  "the log is never shortened": ["AND number <= g.number - 1000", "AND false"],
  "a watch goes on after what is lost": ["AND c.revision >= seen ORDER", "AND c.revision > seen ORDER"],
  "a fence is of any term": ["AND e.value::json->>'term' = the_term", ""],
  "a fence is of any session": ["AND e.session = the_session\n", ""],
  "a fence holds after the session": ["AND s.expires_at > clock_timestamp()\n  FOR SHARE", "FOR SHARE"],
  "a fence locks nothing": ["FOR SHARE OF e", ""],
  "a session ends under a fence": ["FOR UPDATE SKIP LOCKED\n  ) AS free", ") AS free"],
  "the group waits for a fence": ["FOR UPDATE SKIP LOCKED\n  ) AS free", "FOR UPDATE) AS free"],
  "a change waits for a fence": ["FOR UPDATE NOWAIT", "FOR UPDATE"]
}

const functionsOf = (schema: string): string => SqlFunctions.all(schema).join(";\n")

describe.skipIf(Postgres.skip)(
  `a fault in the functions of the database${Postgres.because}`,
  { concurrent: true },
  () => {
    const postgres = SqlPlace.shared()

    /** The first case that fails; null where all is well. */
    const seenBy = Effect.fnUntraced(function*(schema: string, mutant: readonly [was: string, is: string] | null) {
      const place = yield* SqlPlace.on(yield* postgres, { schema, leaseDuration })
      yield* place.sql.unsafe(SqlTables.block(schema))
      if (mutant !== null) {
        const [was, is] = mutant.map((text) => text.replaceAll("SCHEMA", schema)) as [string, string]
        const right = functionsOf(schema)
        assert.lengthOf(right.split(was), 2, `once in the functions: ${was}`)
        const wrong = right.replace(was, () => is).replaceAll("CREATE OR", ";CREATE OR").split(";CREATE OR").slice(1)
        for (const text of wrong) yield* place.sql.unsafe(`CREATE OR${text.replace(/;\s*$/, "")}`)
      }
      const shared = RegistryCases.all.map(({ behaves, name }): SqlCases.Case => ({
        name,
        behaves: (place) => behaves(place.registry({ group: `${place.group} ${name}` }), SqlCases.endSession(place))
      }))
      // Each with connections of its own, and no longer than it lasts: the database has a hundred.
      const alone = (behaves: SqlCases.Case["behaves"]) =>
        Effect.scoped(Effect.flatMap(SqlPlace.on(place.postgres, { schema, leaseDuration }), behaves))
      for (const { behaves, name } of [...shared, ...SqlCases.all]) {
        const exit = yield* Effect.exit(
          Effect.timeoutOption(alone(behaves), mutant === null ? "1 minute" : "5 seconds")
        )
        if (Exit.isFailure(exit) || exit.value._tag === "None") return name
      }
      return null
    }, Effect.scoped)

    it.live("is none as they are", () =>
      Effect.map(seenBy("as_they_are", null), (seen) => assert.isNull(seen, `not well: ${seen}`)))

    for (const [index, [name, mutant]] of Object.entries(mutants).entries()) {
      it.live(`is seen: ${name}`, () => Effect.map(seenBy(`mutant_${index}`, mutant), (seen) => assert.isNotNull(seen)))
    }
  }
)
