/** Judges how soon a crash is known where links tell of it: a process is killed, and nothing else befalls the group. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Member from "../../protocol/model/Member.ts"
import type { State } from "../../protocol/model/State.ts"
import type * as Invariants from "../Invariants.ts"
import type { Hardships } from "./hardships.ts"
import * as Watched from "./watched.ts"

/** All know within so many ms: the tries to connect again, a moment before it is told, and a few round trips. */
export const knownWithin = 100

/** A start that was killed, and those that should know before long, by their numbers: their starts, and what their clocks showed. */
interface Killed {
  readonly at: number
  readonly self: Member.Member
  readonly others: ReadonlyMap<number, { readonly start: number; readonly monotonic: number }>
}

export class Crashes {
  readonly #servers: ReadonlyMap<number, Watched.Watched>
  readonly #hardships: Hardships
  readonly #complain: Invariants.Judge["complain"]
  readonly #count: Invariants.Judge["count"]
  #killed: Killed | null = null

  constructor(
    servers: ReadonlyMap<number, Watched.Watched>,
    hardships: Hardships,
    { complain, count }: Invariants.Judge
  ) {
    this.#servers = servers
    this.#hardships = hardships
    this.#complain = complain
    this.#count = count
  }

  /**
   * A server is killed where nothing is wrong, and all links are up that are wanted. If nobody had a link with it, nothing is
   * promised; nor of a server whose link with it is up at its own end alone, as it waits for that to break.
   */
  killed(at: number, index: number): void {
    const killed = this.#servers.get(index)
    if (killed === undefined || !this.#isWell(at)) return
    const { self } = killed.state
    const others = [...this.#servers].filter(([other, { state }]) =>
      other !== index && state.phase === "Live" && state.self.tcp !== undefined && state.drainUntil <= state.lookedAt
      && (isUp(killed.state, state.self) || !isUp(state, self))
    )
    const isSeen = others.some(([, { state }]) => isUp(state, self))
    if (!isSeen) {
      this.#killed = null
      return
    }
    const seenBy = others.map(([other, { host, start }]) =>
      [other, { start, monotonic: Watched.clocksOf(host).monotonic }] as const
    )
    this.#killed = { at, self, others: new Map(seenBy) }
  }

  /** Something else befalls the group, perhaps at the same instant. */
  disturbed(): void {
    this.#killed = null
  }

  /** Time has passed. */
  stepped(now: number): void {
    if (this.#killed === null || now < this.#killed.at + knownWithin) return
    const { at, others, self } = this.#killed
    this.#killed = null
    for (const [index, { monotonic, start }] of others) {
      const watched = this.#servers.get(index)
      if (watched?.start !== start || !this.#hardships.isRunning(index, at)) continue
      // It has only now found out that it was paused before: by then the break may have waited for it.
      if (watched.wokeAt >= monotonic) continue
      this.#count("crashIsKnown")
      if (!watched.state.members.some((member) => Member.isSameStart(member, self))) continue
      this.#complain(
        now,
        "crashIsKnown",
        index,
        `${self.name} was killed ${Math.round(now - at)} ms ago, and is a member`
      )
    }
  }

  /** Whether all run where the others take them to be, all that they say has come through, and no link is still to change. */
  #isWell(at: number): boolean {
    const all = [...this.#servers]
    return all.every(([from, { state: { timers } }]) =>
      this.#hardships.isRunning(from, at) && this.#hardships.isFound(from, at) && !timers.some(({ key }) =>
        key === "links"
      )
      && all.every(([to]) => from === to || this.#hardships.reaches(from, to, at, "multicast"))
    )
  }
}

/** Whether a server has a link that is up with that start of another, as far as it knows. */
const isUp = ({ crashLinks }: State, { id, incarnation }: Member.Member): boolean =>
  Option.exists(
    HashMap.get(crashLinks.links, id),
    (link) => link.stage === "up" && link.incarnation === incarnation
  )
