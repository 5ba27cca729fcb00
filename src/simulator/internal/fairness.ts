/** Judges what servers that are well have had done to them: the lead taken by a lower one, and evictions. */
import * as Election from "../../protocol/model/Election.ts"
import type * as Event from "../../protocol/model/Event.ts"
import * as Member from "../../protocol/model/Member.ts"
import type * as Reign from "../../protocol/model/Reign.ts"
import type { State } from "../../protocol/model/State.ts"
import * as Timing from "../../protocol/model/Timing.ts"
import type * as Invariants from "../Invariants.ts"
import type { Hardships } from "./hardships.ts"
import type { Watched } from "./watched.ts"

export class Fairness {
  readonly #servers: ReadonlyMap<number, Watched>
  readonly #hardships: Hardships
  readonly #complain: Invariants.Judge["complain"]
  readonly #count: Invariants.Judge["count"]

  constructor(servers: ReadonlyMap<number, Watched>, hardships: Hardships, { complain, count }: Invariants.Judge) {
    this.#servers = servers
    this.#hardships = hardships
    this.#complain = complain
    this.#count = count
  }

  /** One comes to lead. Whose the lead is, and could have said so, should have it in its place. */
  leads(at: number, index: number, { newcomer, timing, self }: State, { election: { reign } }: State): void {
    // By then each has heard each, who was removed before has proven that it lives, and has been asked or heard the question.
    const since = at -
      1.05 * (2 * timing.heartbeatInterval + timing.okTimeout + Timing.probeTries * timing.probeTimeout)
    const isWell = (server: number) => this.#hardships.isRunning(server, since)
    // Who was paused for so long that it noticed has asked anew.
    const { from, until } = this.#hardships.pauseOf(index)
    const mayJudge = isWell(index) || until - from > 1.05 * Timing.pauseThreshold(timing)
    if (since < 0 || !mayJudge || !this.#isWhole(since)) return
    // Whether all heard one that is over is not known: who did not could not take the lead from it.
    if (reign !== null && !this.#lives(reign.leader)) return
    this.#count("highestLeads")
    for (const [other, { ineligibleAt, led, since: started, state }] of this.#servers) {
      if (other === index || started >= since || !isWell(other) || state.phase !== "Live") continue
      if (led !== null && led.from < since && !(timing.preempt && !newcomer)) {
        this.#complain(at, "highestLeads", index, `leads, though s${other} does and is well`)
      }
      if (!timing.preempt || ineligibleAt >= since || !Member.outranks(state.self, self)) continue
      this.#complain(at, "highestLeads", index, `leads, though s${other} ranks higher and is well`)
    }
  }

  /**
   * One comes to lead, which was in that state: the leader that it had missed, and that is paused, has been replaced, if it was
   * heard until then. One that outranks a leader, or has only just started, has not missed it.
   */
  replaces(at: number, index: number, { election: { last, reign, vacancy }, timing }: State): void {
    if (!Timing.keepsPace(timing) || reign !== null || last === null || vacancy.cause !== "Silent") return
    for (const [other, watched] of this.#servers) {
      if (!Member.isSameStart(watched.state.self, last.leader)) continue
      const { from, until } = this.#hardships.pauseOf(other)
      if (watched.led === null || other === index || at < from || at >= until) continue
      const since = from - 1.05 * (Timing.leaderOverdue(timing.leaderInterval) + timing.probeTimeout)
      const wasHeard = watched.led.from < since &&
        [...this.#servers.keys()].every((one) =>
          one === other || (this.#hardships.isRunning(one, since)
            && this.#hardships.reaches(other, one, since, "multicast") && this.#hardships.isFound(one, since))
        )
      watched.replaced ||= wasHeard && this.#hardships.isFound(other, since)
    }
  }

  /** A server tells an event. */
  told(at: number, index: number, of: State, event: Event.Event): void {
    if (event.event === "MemberRemoved") this.#removed(at, index, of, event)
    if (event.event === "LeaderChanged") this.#demoted(at, index, of, event)
  }

  /** A server follows a leader no more. */
  #demoted(
    at: number,
    index: number,
    follower: State,
    { cause, election, from, leader }: Extract<Event.Event, { readonly event: "LeaderChanged" }>
  ): void {
    const { timing } = follower
    if (leader !== null || from === null || cause !== "Silent" || election !== Election.ofGroup) return
    if (timing.lease !== null) return
    this.#count("noFalseDemotion")
    const found = [...this.#servers].find(([, { state: { self } }]) => Member.isSameStart(self, from))
    if (found === undefined) return
    const [other, { since: started }] = found
    const window = Timing.probeTries * timing.probeTimeout + 100
    const { from: fell, until } = this.#hardships.pauseOf(index)
    // A short sleep of its own is no part of the window: what it asked before counts after.
    const since = (until >= at - window ? fell : at) - window
    const hardships = this.#hardships
    const isWell = started < since && hardships.isRunning(other, since)
      && hardships.reaches(index, other, since, "unicast") && hardships.reaches(other, index, since, "unicast")
      && hardships.isFound(index, since) && hardships.isFound(other, since)
    if (isWell) this.#complain(at, "noFalseDemotion", index, `follows s${other} no more, which runs`)
  }

  /** A server has removed another. */
  #removed(
    at: number,
    index: number,
    remover: State,
    { member, reason }: Extract<Event.Event, { readonly event: "MemberRemoved" }>
  ): void {
    if (reason._tag !== "Silent" && reason._tag !== "Crashed") return
    this.#count("noFalseEviction")
    const found = [...this.#servers].find(([, watched]) => Member.isSameStart(watched.state.self, member))
    if (found === undefined) return
    const [other, { since: started }] = found
    // One of its questions at least has had its answer.
    const window = Timing.probeTries * remover.timing.probeTimeout + 100
    const { from, until } = this.#hardships.pauseOf(index)
    const wokeWithin = until >= at - window
    // What it asked before a sleep that it noticed counts no more, and there was no time to ask anew.
    const judgesTooSoon = wokeWithin && (until - from) > 1.05 * Timing.pauseThreshold(remover.timing)
    // A short sleep of its own is no part of the window: what it asked before counts after.
    const since = (wokeWithin ? from : at) - window
    const hardships = this.#hardships
    const well = started < since && hardships.isRunning(other, since)
      && hardships.reaches(index, other, since, "unicast") && hardships.reaches(other, index, since, "unicast")
      && hardships.isFound(index, since) && hardships.isFound(other, since)
    // At an address that it has left, another host may refuse, to one whom it could not tell.
    const isInvented = reason._tag === "Crashed" && !hardships.isAstray(other)
    if (well || (judgesTooSoon && reason._tag === "Silent") || isInvented) {
      this.#complain(at, "noFalseEviction", index, `removed s${other}, which runs: ${JSON.stringify(reason)}`)
    }
  }

  #lives(server: Reign.Reign["leader"]): boolean {
    return [...this.#servers.values()].some(({ state: { self } }) => Member.isSameStart(self, server))
  }

  /** Whether all who live, and stay, have heard all since then. */
  #isWhole(since: number): boolean {
    const staying = [...this.#servers].flatMap(([index, { state: { phase } }]) =>
      phase === "Leaving" || phase === "Left" ? [] : [index]
    )
    return staying.every((from) =>
      this.#hardships.isFound(from, since)
      && staying.every((to) => this.#hardships.reaches(from, to, since, "multicast"))
    )
  }
}
