/** Faults in how members hold resources, each seen by the trials of it. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as GrantTable from "../../src/protocol/grants/GrantTable.ts"
import type { Space, Table } from "../../src/protocol/model/Grants.ts"
import type { Promised } from "../protocol/harness/GrantTrial.ts"
import * as Mutants from "./Mutants.ts"

const { replacing } = Mutants

/** A table in which a space is otherwise. */
const changed = (table: Table, name: string, change: (space: Space) => Space): Table =>
  Option.match(HashMap.get(table.spaces, name), {
    onNone: () => table,
    onSome: (space) => ({ ...table, spaces: HashMap.set(table.spaces, name, change(space)) })
  })

/** Each with what it breaks. */
export const mutants: ReadonlyArray<Mutants.Mutant & { readonly breaks: Promised }> = [
  {
    name: "a new reign grants at once",
    replace: [
      replacing<typeof GrantTable>("grants/GrantTable.ts", {
        open: (open) => (term) => open(term, -Infinity)
      })
    ],
    breaks: "grantsOnlyAfter"
  },
  {
    name: "all sessions of a server are one",
    replace: [
      replacing<typeof GrantTable>("grants/GrantTable.ts", {
        ask: (ask) => (table, asked, now, isThere) => {
          const session = asked.id
          const before = changed(table, asked.space, (space) => ({
            ...space,
            sessions: HashMap.modify(
              space.sessions,
              session,
              (one) => ({ ...one, seq: Math.min(one.seq, asked.seq - 1) })
            )
          }))
          return ask({ ...before, ended: [] }, { ...asked, session }, now, isThere)
        }
      })
    ],
    breaks: "oneHolder"
  },
  {
    name: "what is to move is told while a reign recovers",
    replace: [
      replacing<typeof GrantTable>("grants/GrantTable.ts", {
        ask: (ask) => (table, asked, now, isThere) => {
          const outcome = ask(table, asked, now, isThere)
          const shares = Option.getOrUndefined(HashMap.get(outcome.table.spaces, asked.space))?.shares ?? null
          if (outcome.answer === null || outcome.answer.again === 0 || shares === null) return outcome
          const moving = asked.held.filter((resource) => shares.sessions[resource] !== asked.session)
          return { ...outcome, answer: { ...outcome.answer, moving } }
        }
      })
    ],
    breaks: "reclaimKeeps"
  }
]
