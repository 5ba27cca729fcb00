/**
 * A few servers of the pure protocol on networks that sleep: what is sent to a host waits until its radio wakes, and comes at once then.
 * That is what Wi-Fi does to save power, and why five questions may be one. Decided by its seed.
 */
import * as Duration from "effect/Duration"
import * as Record from "effect/Record"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { Output } from "../../src/protocol/model/Output.ts"
import type { State } from "../../src/protocol/model/State.ts"
import type * as Timing from "../../src/protocol/model/Timing.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Profile from "../../src/settings/Profile.ts"

/** What becomes of a datagram: how often one is lost, and how long one waits, by its quantiles in ms, each a share and a time. */
export interface Network {
  readonly name: string
  readonly loss: number
  readonly multicastLoss: number
  readonly delays: ReadonlyArray<readonly [share: number, millis: number]>
  /** Whether all that waits for a host comes together. */
  readonly sleeps: boolean
}

export const networks = {
  switch: {
    name: "one switch",
    loss: 0,
    multicastLoss: 0,
    delays: [[0, 0.1], [0.99, 1], [1, 5]],
    sleeps: false
  },
  lossy: {
    name: "5 % lost",
    loss: 0.05,
    multicastLoss: 0.05,
    delays: [[0, 0.2], [0.9, 5], [0.99, 20], [1, 60]],
    sleeps: false
  },
  wifi: {
    name: "Wi-Fi",
    loss: 0.01,
    multicastLoss: 0.1,
    delays: [[0, 1], [0.5, 5], [0.9, 40], [0.99, 150], [1, 300]],
    sleeps: true
  },
  saving: {
    name: "Wi-Fi, saving power",
    loss: 0.01,
    multicastLoss: 1 / 3,
    delays: [[0, 1], [0.5, 120], [0.9, 500], [0.99, 1_000], [1, 2_000]],
    sleeps: true
  }
} as const satisfies Record<string, Network>

export const timing = (change: Partial<Timing.Timing> = {}, profile: Profile.Profile = "standard"): Timing.Timing => ({
  ...Record.map(Profile.profiles[profile], Duration.toMillis),
  maxHeartbeatsPerSecond: 500,
  multicast: true,
  preempt: true,
  stableAfter: 0,
  minimumMembers: 1,
  maxMembers: 4_096,
  maxClients: 1_024,
  maxTombstones: 1_024,
  maxMessageBytes: 65_536,
  stopTimeout: 500,
  lease: null,
  votes: true,
  ...change
})

interface Event {
  readonly at: number
  readonly host: number
  readonly run: () => void
}

interface Host {
  state: State
  wakesAt: number
  waiting: Array<() => void>
  armedAt: number
  isCut: boolean
}

/** One group. The server with the highest number ranks highest. */
export class Radio {
  now = 0
  /** How often a server gave up, as silent, a leader that lived and was heard. */
  falseDemotions = 0
  /** The same of members that were removed. */
  falseRemovals = 0
  readonly #network: Network
  readonly #hosts: Array<Host> = []
  readonly #events: Array<Event> = []
  #seed: number

  constructor(network: Network, servers: number, seed: number, change: Timing.Timing) {
    this.#network = network
    this.#seed = seed
    for (let index = 0; index < servers; index++) {
      const self: Member.Member = {
        id: Member.NodeId.make(String(index + 1).padStart(16, "0")),
        ip: `10.0.0.${index + 1}`,
        port: 4_000,
        hostname: `s${index}`,
        name: `s${index}`,
        priority: index,
        incarnation: 1,
        tags: {}
      }
      const state = Step.make({ timing: change, self, addresses: [{ ip: self.ip, port: self.port }], monotonic: 0 })
      this.#hosts.push({ state, wakesAt: -1, waiting: [], armedAt: Infinity, isCut: false })
    }
    for (const index of this.#hosts.keys()) this.#start(index, change)
  }

  /** Lets time pass. */
  pass(millis: number): void {
    const until = this.now + millis
    for (let event = this.#events[0]; event !== undefined && event.at <= until; event = this.#events[0]) {
      this.#events.shift()
      this.now = event.at
      event.run()
    }
    this.now = until
  }

  /** Whom all that are not cut off follow; null where they do not agree. */
  leader(): number | null {
    const leaders = new Set(
      this.#hosts.flatMap(({ isCut, state }) => isCut ? [] : [state.election.reign?.leader.id ?? null])
    )
    const [only = null] = leaders
    return leaders.size === 1 && only !== null ? Number(only) - 1 : null
  }

  /** Its cable is pulled. */
  cut(index: number): void {
    this.#hosts[index]!.isCut = true
  }

  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  #at(at: number, host: number, run: () => void): void {
    let index = this.#events.length
    while (index > 0 && this.#events[index - 1]!.at > at) index -= 1
    this.#events.splice(index, 0, { at, host, run })
  }

  #start(index: number, { cleanupInterval, heartbeatInterval, ...rest }: Timing.Timing): void {
    this.#step(index, { _tag: "Start" })
    const repeat = (input: Step.Input, every: number): void => {
      this.#step(index, input)
      this.#at(this.now + every, index, () => repeat(input, every))
    }
    void rest
    const phase = this.#random() * heartbeatInterval
    repeat({ _tag: "Discover" }, heartbeatInterval)
    this.#step(index, { _tag: "Heartbeat" })
    this.#at(phase, index, () => repeat({ _tag: "Heartbeat" }, heartbeatInterval))
    this.#at(phase + cleanupInterval, index, () => repeat({ _tag: "Sweep" }, cleanupInterval))
  }

  #step(index: number, input: Step.Input): void {
    const host = this.#hosts[index]!
    const entropy = Math.floor(this.#random() * 4_294_967_296)
    const [after, outputs] = Step.step(host.state, input, { monotonic: this.now, wall: this.now, entropy })
    host.state = after
    for (const output of outputs) this.#carryOut(index, output)
    const due = Step.dueAt(host.state)
    if (due < host.armedAt) {
      host.armedAt = due
      this.#at(Math.max(this.now, due), index, () => {
        if (host.armedAt !== due) return
        host.armedAt = Infinity
        this.#step(index, { _tag: "Due" })
      })
    }
  }

  #carryOut(index: number, output: Output): void {
    switch (output._tag) {
      case "Send":
        for (const to of output.to) this.#send(index, to, output.message)
        break
      case "Ask":
        this.#send(index, output.to, output.message)
        break
      case "EndWork":
        this.#at(this.now, index, () => this.#step(index, { _tag: "WorkEnded", election: output.election }))
        break
      case "Emit": {
        const { event } = output
        if (event.event === "LeaderChanged" && event.leader === null && event.cause === "Silent") {
          if (this.#lives(event.from?.id) && !this.#hosts[index]!.isCut) this.falseDemotions += 1
        }
        if (event.event === "MemberRemoved" && this.#lives(event.member.id) && !this.#hosts[index]!.isCut) {
          this.falseRemovals += 1
        }
      }
    }
  }

  #lives(id: string | undefined): boolean {
    return this.#hosts.some(({ isCut, state }) => state.self.id === id && !isCut)
  }

  #send(from: number, to: Member.Address | null, message: Message.Message): void {
    const { loss, multicastLoss, sleeps } = this.#network
    const source = this.#hosts[from]!.state.self
    for (const [index, host] of this.#hosts.entries()) {
      if (index === from || (to !== null && to.ip !== host.state.self.ip)) continue
      if (this.#random() < (to === null ? multicastLoss : loss)) continue
      const arrive = () => {
        if (host.isCut || this.#hosts[from]!.isCut) return
        this.#step(index, { _tag: "Received", message, from: source, via: to === null ? "multicast" : "unicast" })
      }
      if (!sleeps) this.#at(this.now + this.#delay(), index, arrive)
      else this.#wait(index, arrive)
    }
  }

  /** What comes for a host that sleeps waits until it wakes. */
  #wait(index: number, arrive: () => void): void {
    const host = this.#hosts[index]!
    host.waiting.push(arrive)
    if (host.waiting.length > 1) return
    this.#at(this.now + this.#delay(), index, () => {
      for (const one of host.waiting.splice(0)) one()
    })
  }

  #delay(): number {
    const share = this.#random()
    const { delays } = this.#network
    const next = Math.max(1, delays.findIndex(([until]) => until >= share))
    const [[low, shortest], [high, longest]] = [delays[next - 1]!, delays[next]!]
    return shortest + (longest - shortest) * (share - low) / (high - low)
  }
}

/** What a timing comes to on a network: how long until all follow another where the leader is cut off, and what it costs while it lives. */
export interface Figure {
  /** The median, in seconds. */
  readonly detection: number
  /** Of a leader that lives, an hour and follower. */
  readonly demotions: number
}

/** `hours` of peace, and so many times the leader is cut off. */
export const measure = (
  network: Network,
  of: Timing.Timing,
  { cuts, hours, seed, servers }: {
    readonly cuts: number
    readonly hours: number
    readonly seed: number
    readonly servers: number
  }
): Figure => {
  const peace = new Radio(network, servers, seed, of)
  peace.pass(60_000)
  peace.falseDemotions = 0
  peace.pass(hours * 3_600_000)
  const times = Array.from({ length: cuts }, (_, index) => {
    const group = new Radio(network, servers, seed + index + 1, of)
    group.pass(30_000 + 3_217 * index % 10_000)
    for (let waited = 0; group.leader() === null && waited < 600; waited++) group.pass(100)
    const leader = group.leader()
    if (leader === null) return Infinity
    group.cut(leader)
    const from = group.now
    while ((group.leader() === null || group.leader() === leader) && group.now - from < 120_000) group.pass(5)
    return group.now - from
  }).toSorted((a, b) => a - b)
  return {
    detection: times[Math.floor(times.length / 2)]! / 1_000,
    demotions: peace.falseDemotions / hours / (servers - 1)
  }
}
