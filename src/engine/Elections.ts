/** The elections that a server takes part in, seen from outside: which began and which ended between two states. */
import * as HashMap from "effect/HashMap"
import * as Election from "../protocol/model/Election.ts"
import type { State } from "../protocol/model/State.ts"

/** How an election ended: this server leads, another does, or nobody. */
export type Outcome = "won" | "lost" | "open"

/** None has ended. */
export const none: Readonly<Record<Outcome, number>> = { won: 0, lost: 0, open: 0 }

/** One that has ended, and the term that is known then. */
export interface Ended {
  readonly election: string
  readonly outcome: Outcome
  readonly term: number
}

/** Those that began and those that ended. */
export interface Changes {
  readonly begun: ReadonlyArray<string>
  readonly ended: ReadonlyArray<Ended>
}

/** Nothing has changed, as with nearly every step. */
export const unchanged: Changes = { begun: [], ended: [] }

type Elections = Pick<State, "election" | "named">

/** The changes from one state to the next. */
export const between = (before: Elections & Pick<State, "self">, after: Elections & Pick<State, "self">): Changes => {
  if (before.election === after.election && before.named === after.named) return unchanged
  const begun: Array<string> = []
  const ended: Array<Ended> = []
  const compare = (name: string, one: Election.Election | undefined, other: Election.Election | undefined): void => {
    if (isUnderWay(one) === isUnderWay(other)) return
    if (isUnderWay(other)) begun.push(name)
    else ended.push({ election: name, ...result(other, after.self.id) })
  }
  compare(Election.ofGroup, before.election, after.election)
  if (before.named !== after.named) {
    for (const name of new Set([...HashMap.keys(before.named), ...HashMap.keys(after.named)])) {
      compare(name, find(before, name), find(after, name))
    }
  }
  return begun.length + ended.length === 0 ? unchanged : { begun, ended }
}

const find = ({ named }: Elections, name: string): Election.Election | undefined =>
  HashMap.has(named, name) ? HashMap.getUnsafe(named, name) : undefined

const isUnderWay = (election: Election.Election | undefined): boolean =>
  election !== undefined && election.activity._tag !== "Idle"

const result = (election: Election.Election | undefined, self: string): Omit<Ended, "election"> => {
  const reign = election?.reign ?? null
  return {
    outcome: reign === null ? "open" : reign.leader.id === self ? "won" : "lost",
    term: (reign ?? election?.last)?.term ?? 0
  }
}
