/** Faults in what is held by grants, each seen in a run of whole servers: in a story of `GrantStories`. */
import type * as GrantTable from "../../src/protocol/grants/GrantTable.ts"
import type * as Holdings from "../../src/protocol/grants/Holdings.ts"
import * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Invariants from "../../src/simulator/Invariants.ts"
import type * as GrantStories from "./GrantStories.ts"
import { type Mutant, replacing } from "./Mutants.ts"

export type GrantStoryMutant = Mutant & {
  readonly breaks: Invariants.Name
  readonly seenBy: GrantStories.Name
}

const table = (functions: Parameters<typeof replacing<typeof GrantTable>>[1]) => [
  replacing<typeof GrantTable>("grants/GrantTable.ts", functions)
]
const holdings = (functions: Parameters<typeof replacing<typeof Holdings>>[1]) => [
  replacing<typeof Holdings>("grants/Holdings.ts", functions)
]

/** No clock but the monotonic one shows that time has passed. */
const byMonotonic = ({ monotonic }: Lease.Readings) => ({ monotonic, wall: -Infinity, sinceBoot: undefined })

export const mutants: ReadonlyArray<GrantStoryMutant> = [
  {
    name: "a new leader grants at once",
    replace: table({ open: (open) => (term, now) => ({ ...open(term, now), since: -Infinity }) }),
    breaks: "oneHolder",
    seenBy: "the leader is killed"
  },
  {
    name: "a leader takes back what it granted before its time is over",
    replace: table({ expire: (expire) => (all, now, isThere) => expire(all, now + 3_900, isThere) }),
    breaks: "oneHolder",
    seenBy: "the leader hears nothing of a holder"
  },
  {
    name: "a grant lasts from when its answer came",
    replace: holdings({
      answered: (answered) => (before, seq, answer, terms, now) => {
        const sent = before.sent.map((one) => ({ ...one, at: Lease.instant(now) }))
        return answered({ ...before, sent }, seq, answer, terms, now)
      }
    }),
    breaks: "oneHolder",
    seenBy: "answers come late, and then none"
  },
  {
    name: "a grant has no end for its holder",
    replace: holdings({
      expire: () => (holding) => ({ holding, granted: [], ended: [] }),
      dueAt: () => ({ askAt }, _terms, _now, hasLeader) => hasLeader ? askAt : Infinity
    }),
    breaks: "workWithinGrant",
    seenBy: "the leader hears nothing of a holder"
  },
  {
    name: "work is told to end when its grant is over, and not before",
    replace: holdings({
      expire: (expire) => (holding, terms, now) => expire(holding, { ...terms, stopTimeout: 0 }, now),
      dueAt: (dueAt) => (holding, terms, now, hasLeader) => dueAt(holding, { ...terms, stopTimeout: 0 }, now, hasLeader)
    }),
    breaks: "workWithinGrant",
    seenBy: "the leader hears nothing of a holder"
  },
  {
    name: "suspended time does not count for a holder",
    replace: holdings({
      expire: (expire) => (holding, terms, now) => expire(holding, terms, byMonotonic(now)),
      dueAt: (dueAt) => (holding, terms, now, hasLeader) => dueAt(holding, terms, byMonotonic(now), hasLeader)
    }),
    breaks: "workWithinGrant",
    seenBy: "the machine of a holder is suspended, and hears nothing when it wakes"
  },
  {
    name: "what others are to have is let go before what is done with it has ended",
    replace: holdings({
      answered: (answered) => (before, seq, answer, terms, now) => {
        const lost = [...answer.lost, ...answer.moving]
        const change = answered(before, seq, { ...answer, lost, moving: [] }, terms, now)
        return change &&
          { ...change, holding: { ...change.holding, askAt: now.monotonic + (lost.length > 0 ? 1 : 500) } }
      }
    }),
    breaks: "workWithinGrant",
    seenBy: "holders come and go"
  },
  {
    name: "grants of a reign are not numbered",
    replace: table({
      ask: (ask) => (all, asked, now, isThere) => {
        const outcome = ask(all, asked, now, isThere)
        return { ...outcome, table: { ...outcome.table, grants: all.grants } }
      }
    }),
    breaks: "tokensRise",
    seenBy: "a holder is killed"
  },
  {
    name: "a session that asks no more is kept without end",
    replace: table({ expire: () => (all) => ({ table: all, news: [] }), dueAt: () => () => Infinity }),
    breaks: "everyPartitionOwned",
    seenBy: "a holder is killed"
  },
  {
    name: "nobody is told that others are to have what is held",
    replace: table({
      ask: (ask) => (all, asked, now, isThere) => {
        const outcome = ask(all, asked, now, isThere)
        return { ...outcome, answer: outcome.answer && { ...outcome.answer, moving: [] } }
      }
    }),
    breaks: "everyPartitionOwned",
    seenBy: "a holder stops, and comes back"
  }
]
