/**
 * What is seen of a simulated group for as long as nothing happens to it: how often the lead changes, and how much is said.
 */
import * as Election from "../../protocol/model/Election.ts"
import * as Lease from "../../protocol/model/Lease.ts"
import type { Output } from "../../protocol/model/Output.ts"
import type { State } from "../../protocol/model/State.ts"
import * as Timing from "../../protocol/model/Timing.ts"
import * as Agreement from "../Agreement.ts"
import type * as Invariants from "../Invariants.ts"
import * as LinkGraph from "../LinkGraph.ts"
import * as Connected from "./connected.ts"

/**
 * What stays as it is for longer: the links that are there, whether chance or pauses have a part in it, and the servers that lose
 * more than two thirds of all both ways, so that one question in ten is answered.
 */
export interface Conditions {
  readonly graph: LinkGraph.LinkGraph
  readonly isUnsteady: boolean
  readonly outOfReach: ReadonlySet<number>
}

/** Changes of leader that one server may see: at once, and an hour. */
export const mayChange = {
  whole: { atOnce: 0, anHour: 0 },
  missing: { atOnce: 1, anHour: 2 },
  unsteady: { atOnce: 3, anHour: 360 }
} as const

/**
 * How many datagrams a server may send in one `heartbeatInterval`: signs of life, an answer to each of the others, and a question to each,
 * as is asked of those whose multicasts do not arrive; what a lease is renewed by, what a leader says between its heartbeats, and for each link that is missing what is asked and said because of it; where
 * there is no multicast, to each of the others.
 */
export const mayBeSent = (timing: Timing.Timing, servers: number, missing: number, leads = true): number => {
  const { heartbeatInterval, leaderInterval, lease } = timing
  const renewals = lease === null ? 0 : Math.ceil(heartbeatInterval / Lease.renewalInterval(lease))
  const signs = leads && Timing.keepsPace(timing) ? Math.ceil(heartbeatInterval / leaderInterval) : 0
  const copies = timing.multicast ? 1 : servers
  return (4 + 2 * renewals + signs) * copies + 2 * servers + 6 * missing
}

/**
 * How many datagrams a server may send of what two sessions of each hold: one that waits asks twice a second, one that asks is
 * answered, and each time that a lock is let go those who want it are told.
 */
const mayBeAsked = (servers: number, millis: number): number => servers * (20 + 8 * millis / 1_000)

/** Who sees nobody asks three times a heartbeat, the group and each that it has lost, and says there that it lives. */
const mayBeSentAlone = (servers: number): number => 5 * servers

interface Seen {
  changes: number
  /** Whether it saw nobody at any time. */
  alone: boolean
  /** Whether it led at any time. */
  led: boolean
  /** Of the reign that it followed last. */
  term: number
  sent: number
  /** What it asked, and answered, of what apps hold. */
  asked: number
  /** How often it said to the group that it lives. */
  heartbeats: number
}

/** Traffic is counted over so many heartbeats at least. */
const leastHeartbeats = 8

export class Quiet {
  #conditions: Conditions
  readonly #servers: number
  readonly #complain: Invariants.Judge["complain"]
  readonly #count: Invariants.Judge["count"]
  #since = Infinity
  #timing: Timing.Timing | null = null
  readonly #seen = new Map<number, Seen>()

  constructor(servers: number, { complain, count }: Invariants.Judge) {
    this.#servers = servers
    this.#conditions = { graph: LinkGraph.make(servers), isUnsteady: false, outOfReach: new Set() }
    this.#complain = complain
    this.#count = count
  }

  get conditions(): Conditions {
    return this.#conditions
  }

  /** Something else is so from now on. */
  set(conditions: Conditions): void {
    this.#conditions = conditions
  }

  /** Whether all links are there between these servers, and nothing is lost on them. */
  isWhole(living: ReadonlyArray<number>): boolean {
    return !this.#conditions.isUnsteady && LinkGraph.isWhole(this.#conditions.graph, living)
  }

  /** How long the group may take to settle as things are, in ms. */
  bound(timing: Timing.Timing, living: ReadonlyArray<number>): number {
    const { graph } = this.#conditions
    // A leader that hears nobody is followed by some through others that hear it still.
    const longest = ({ hops, servers }: LinkGraph.Part): number =>
      hops + (timing.lease === null && LinkGraph.hearsOthers(graph, servers, living) ? 1 : 0)
    const hops = this.isWhole(living) ? 0 : Math.max(1, ...LinkGraph.parts(graph, living).map(longest))
    return Agreement.settlesWithin(timing, this.#servers, { hops })
  }

  /** The group has had the time to settle. */
  begins(at: number): void {
    this.#since = at
    this.#seen.clear()
  }

  /** A server made a step. */
  stepped(at: number, index: number, { election, members, timing, self }: State, outputs: ReadonlyArray<Output>): void {
    if (at < this.#since || outputs.length === 0) return
    this.#timing = timing
    const seen = this.#seen.get(index) ??
      { changes: 0, alone: false, led: false, term: -1, sent: 0, asked: 0, heartbeats: 0 }
    seen.alone ||= members.length === 0
    seen.led ||= election.reign?.leader.id === self.id
    this.#seen.set(index, seen)
    for (const output of outputs) {
      if (output._tag === "Send") {
        if (!isOfGrants(output)) seen.sent += output.to.length
        else seen.asked += output.to.length
        if (isHeartbeat(output, timing)) seen.heartbeats += 1
      }
      if (output._tag === "Ask") seen.sent += 1
      if (output._tag !== "Emit" || output.event.event !== "LeaderChanged") continue
      // The same leader, heard in another way.
      if (output.event.cause === "PathChanged" || output.event.election !== Election.ofGroup) continue
      const { leader, term } = output.event
      // Between two reigns nobody leads for a moment: that is one change, and is judged as a group that does not settle if it lasts.
      if (leader === null) continue
      // Who hears little may miss its leader now and then, and follow it again: the lead stays where it is.
      const isBack = this.#conditions.isUnsteady && timing.lease !== null && term === seen.term
      seen.term = term
      if (!isBack) this.#changed(at, index, seen)
    }
  }

  /** Something happens to the group, or the run is over. */
  ends(at: number): void {
    const timing = this.#timing
    if (timing === null || at < this.#since) return
    const lasted = at - this.#since
    this.#since = Infinity
    const heartbeats = lasted / timing.heartbeatInterval
    this.#judgeHeartbeats(at, timing, lasted)
    for (const [index, { alone, asked, led, sent }] of this.#seen) {
      this.#count("noFlapping")
      if (heartbeats < leastHeartbeats) continue
      this.#count("trafficBounded")
      if (asked > mayBeAsked(this.#servers, lasted)) {
        const what = `sent ${asked} datagrams of what is held in ${seconds(lasted)}`
        this.#complain(at, "trafficBounded", index, what)
      }
      const missing = this.#missing()
      const most = Math.max(mayBeSent(timing, this.#servers, missing, led), alone ? mayBeSentAlone(this.#servers) : 0)
      if (sent <= most * heartbeats) continue
      const what = `sent ${(sent / heartbeats).toFixed(1)} datagrams a heartbeat for ${seconds(lasted)}`
      this.#complain(at, "trafficBounded", index, `${what}, more than ${most}, with ${missing} links missing or lossy`)
    }
  }

  /** What those say who lead nothing: each hears what all others say. */
  #judgeHeartbeats(at: number, timing: Timing.Timing, lasted: number): void {
    const interval = Timing.intervalBeside(timing, this.#servers - 1)
    if (lasted < leastHeartbeats * interval || this.#conditions.isUnsteady || !this.#isWholeForAll()) return
    this.#count("heartbeatsBounded")
    const said = [...this.#seen.values()].reduce((sum, { heartbeats, led }) => led ? sum : sum + heartbeats, 0)
    // Each may have been about to say one, and they are drawn at random.
    const most = 1.1 * timing.maxHeartbeatsPerSecond * lasted / 1_000 + this.#servers
    if (said <= most) return
    this.#complain(
      at,
      "heartbeatsBounded",
      null,
      `${said} heartbeats in ${seconds(lasted)}, more than ${Math.ceil(most)}`
    )
  }

  #changed(at: number, index: number, seen: Seen): void {
    seen.changes += 1
    const may = this.#conditions.isUnsteady
      ? mayChange.unsteady
      : this.#isWholeForAll()
      ? mayChange.whole
      : mayChange.missing
    // Without a lease such a server may follow and miss a leader again and again; no other server may see that.
    if (this.#timing?.lease === null && this.#conditions.outOfReach.has(index)) return
    // What follows a leader over more links than these is not promised to follow it on.
    if (
      this.#timing?.lease === null &&
      LinkGraph.parts(this.#conditions.graph).some(({ hops }) => hops > Connected.mostHops)
    ) {
      return
    }
    const lasted = at - this.#since
    if (seen.changes <= may.atOnce + may.anHour * lasted / 3_600_000) return
    this.#complain(at, "noFlapping", index, `saw ${seen.changes} changes of leader within ${seconds(lasted)}`)
  }

  #isWholeForAll(): boolean {
    const { graph } = this.#conditions
    return LinkGraph.isWhole(graph, graph.heardBy.map((_, server) => server))
  }

  /** In all of the group: who hears of a missing link from others has something to say as well. */
  #missing(): number {
    const { graph, isUnsteady } = this.#conditions
    return isUnsteady ? 2 * (this.#servers - 1) : LinkGraph.missing(graph).length
  }
}

const isOfGrants = ({ message: { type } }: Extract<Output, { readonly _tag: "Send" }>): boolean =>
  type === "GRANTS_ASK" || type === "GRANTS_SAY" || type === "GRANTS_NEWS"

/** Whether it is said to the group. */
const isHeartbeat = (
  { message, to }: Extract<Output, { readonly _tag: "Send" }>,
  { multicast }: Timing.Timing
): boolean => message.type === "SERVER_ALIVE" && (to.includes(null) || !multicast)

const seconds = (millis: number): string => `${(millis / 1_000).toFixed(1)} s`
