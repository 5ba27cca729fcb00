/**
 * One server of the pure protocol on a clock that a test moves: it is given inputs, its timers fire when they are due, and what it says and tells is kept until the test takes it.
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as ElectionContext from "../../../src/protocol/election/ElectionContext.ts"
import type * as Event from "../../../src/protocol/model/Event.ts"
import type * as Member from "../../../src/protocol/model/Member.ts"
import type * as Message from "../../../src/protocol/model/Message.ts"
import type { DropReason, Output } from "../../../src/protocol/model/Output.ts"
import type { Now, State } from "../../../src/protocol/model/State.ts"
import * as Timing from "../../../src/protocol/model/Timing.ts"
import * as Step from "../../../src/protocol/Step.ts"
import * as Profile from "../../../src/settings/Profile.ts"
import * as Peer from "./Peer.ts"

export type Via = "multicast" | "unicast"

/** One message to one address, or to the group (null). */
export interface Send {
  readonly _tag: "Send"
  readonly to: Member.Address | null
  readonly message: Message.Message
}

export interface Options {
  readonly timing?: Partial<Timing.Timing> | undefined
  readonly profile?: Profile.Profile | undefined
  readonly self?: Member.Member | undefined
  /** What the monotonic clock shows at the start. */
  readonly monotonic?: number | undefined
  readonly seeds?: ReadonlyArray<Member.Address> | undefined
  /** How much the wall clock is ahead of the monotonic one. */
  readonly wall?: number | undefined
  /** Every step's entropy; without it each step has its own. */
  readonly entropy?: number | undefined
  /** How long leading work takes to end; none: the test steps `WorkEnded` itself. */
  readonly work?: number | "by hand" | undefined
  /** What the others answer at once to a pre-vote: null where they say only that they are there; without it nothing. */
  readonly preVote?: Message.PreVote | null | undefined
  /** Is called after every step. */
  readonly look?: ((server: Server, input: Step.Input) => void) | undefined
  /** Takes every step twice and compares. */
  readonly twice?: boolean | undefined
}

/** The times of the standard profile, with everything else as it is unless set. */
export const timing = (
  overrides: Partial<Timing.Timing> = {},
  profile: Profile.Profile = "standard"
): Timing.Timing => ({
  ...Record.map(Profile.profiles[profile], Duration.toMillis),
  multicast: true,
  preempt: true,
  stableAfter: 0,
  minimumMembers: 1,
  maxHeartbeatsPerSecond: 500,
  maxMembers: 4_096,
  maxClients: 1_024,
  maxTombstones: 1_024,
  maxMessageBytes: 65_536,
  stopTimeout: 500,
  lease: null,
  votes: true,
  // Who is not about the leader's pace hears its heartbeats alone.
  leaderInterval: overrides.heartbeatInterval ?? Duration.toMillis(Profile.profiles[profile].heartbeatInterval),
  ...overrides
})

export class Server {
  state: State
  now: number
  wall: number
  /** How much the clock since the boot is ahead of the monotonic one; undefined where there is none. */
  boot: number | undefined = undefined
  /** By how much the uptime went ahead alone; undefined where no clock tells. */
  doubted: number | undefined = undefined
  /** What the machine says its generation is; undefined where it says none. */
  generation: string | undefined = undefined
  readonly events: Array<Event.Event> = []
  readonly sent: Array<Send> = []
  readonly dropped: Array<DropReason> = []
  readonly outputs: Array<Output> = []
  #steps = 0
  readonly #options: Options
  /** What is to be said to it besides its timers. */
  #agenda: Array<{ readonly due: number; readonly input: Step.Input }> = []

  constructor(options: Options = {}) {
    this.now = options.monotonic ?? 0
    this.wall = options.wall ?? 1_000_000
    this.#options = options
    const self = options.self ?? Peer.member("m")
    this.state = Step.make({
      timing: timing(options.timing, options.profile),
      self,
      addresses: [{ ip: self.ip, port: self.port }],
      seeds: options.seeds,
      monotonic: this.now
    })
  }

  /** A server that has started and whose discovery window is over; `hears` is said to it within that. */
  static live(options: Options = {}, hears: ReadonlyArray<Message.Message> = []): Server {
    const server = new Server(options)
    server.step({ _tag: "Start" })
    for (const message of hears) server.hear(message)
    server.advance(server.state.timing.discoveryWindow)
    server.forget()
    return server
  }

  step(input: Step.Input): ReadonlyArray<Output> {
    this.#steps += 1
    const now: Now = {
      monotonic: this.now,
      wall: this.now + this.wall,
      sinceBoot: this.boot === undefined ? undefined : this.now + this.boot,
      doubted: this.doubted,
      generation: this.generation,
      entropy: this.#options.entropy ?? Math.imul(this.#steps, 0x9e3779b1) >>> 0
    }
    const before = this.#options.twice === true ? { ...this.state } : this.state
    const [after, outputs] = Step.step(this.state, input, now)
    if (this.#options.twice === true) {
      assert.deepStrictEqual(this.state, before)
      assert.deepStrictEqual(Step.step(this.state, input, now), [after, outputs])
    }
    this.state = after
    for (const output of outputs) this.#carryOut(output)
    this.#options.look?.(this, input)
    return outputs
  }

  #carryOut(output: Output): void {
    this.outputs.push(output)
    switch (output._tag) {
      case "Send":
        return output.to.forEach((to) => this.#said(output.message, to))
      case "Ask":
        return this.#said(output.message, output.to)
      case "Emit":
        return void this.events.push(output.event)
      case "Drop":
        return void this.dropped.push(output.reason)
      case "AwaitIdle":
        return this.#options.work === "by hand"
          ? undefined
          : this.#enter(this.now + (this.#options.work ?? 0), { ...output, _tag: "WorkIdle" })
      case "EndWork":
        return this.#options.work === "by hand"
          ? undefined
          : this.#enter(this.now + (this.#options.work ?? 0), { _tag: "WorkEnded", election: output.election })
      case "Farewell":
        this.#agenda = []
    }
  }

  #said(message: Message.Message, to: Member.Address | null): void {
    this.#answer(message, to)
    this.sent.push({ _tag: "Send", to, message })
  }

  #answer(message: Message.Message, to: Member.Address | null): void {
    const { preVote } = this.#options
    if (message.type !== "SERVER_PROBE" || message.preVote === undefined || to === null || preVote === undefined) return
    const answer = Peer.response(Peer.nameOf(to), message.nonce)
    const says = preVote === null ? answer : { ...answer, preVote } as Message.Message
    this.#enter(this.now, { _tag: "Received", message: says, via: "unicast", from: to })
  }

  #enter(due: number, input: Step.Input): void {
    this.#agenda.push({ due, input })
  }

  /** Hears a message of a server that hears this one too, from its own address or from another. */
  hear(message: Message.Message, via: Via = "multicast", from?: Member.Address): ReadonlyArray<Output> {
    return this.hearDeaf("sender" in message ? { ...message, hears: this.state.self.id } : message, via, from)
  }

  /** Hears a message of a server that is not known to hear this one, unless by what it says. */
  hearDeaf(message: Message.Message, via: Via = "multicast", from?: Member.Address): ReadonlyArray<Output> {
    return this.step({
      _tag: "Received",
      message,
      via,
      from: from ?? ("sender" in message ? message.sender : Peer.client)
    })
  }

  /** Lets time pass: timers fire when they are due, and the watch runs all along. */
  advance(millis: number): this {
    const until = this.now + millis
    for (;;) {
      // Who has left keeps no watch any more.
      const watch = this.state.phase === "Left"
        ? Infinity
        : Math.max(this.now, this.state.lookedAt + Timing.pauseCheckInterval(this.state.timing))
      const due = this.nextDue()
      if (Math.min(watch, due) > until) break
      this.now = Math.max(this.now, Math.min(watch, due))
      if (due <= watch) this.#fire()
      else this.step({ _tag: "CheckPause" })
    }
    this.now = until
    return this
  }

  /** When something is due next. */
  nextDue(): number {
    return this.#agenda.reduce((due, next) => Math.min(due, next.due), Step.dueAt(this.state))
  }

  /** Does what is due next: what is said to it first, since any step fires the timers that are due. */
  #fire(): void {
    const due = this.nextDue()
    const at = this.#agenda.findIndex((next) => next.due === due)
    this.step(at < 0 ? { _tag: "Due" } : this.#agenda.splice(at, 1)[0]!.input)
  }

  /** Is paused: time passes and nothing happens. */
  freeze(millis: number): this {
    this.now += millis
    return this
  }

  /** The machine is suspended: only the clocks that count that go on. */
  suspend(millis: number): this {
    this.wall += millis
    if (this.boot !== undefined) this.boot += millis
    return this
  }

  /** What is kept so far is of no interest. */
  forget(): this {
    this.events.length = 0
    this.sent.length = 0
    this.dropped.length = 0
    this.outputs.length = 0
    return this
  }

  /** Takes what was said since the last time, each as `TYPE` to the group or `TYPE to name`. */
  says(): ReadonlyArray<string> {
    return this.sent.splice(0).map(({ message, to }) =>
      to === null ? message.type : `${message.type} to ${Peer.nameOf(to)}`
    )
  }

  /** Takes what was said since the last time of one type. */
  said<Type extends Message.Message["type"]>(type: Type): ReadonlyArray<Send & { readonly message: Message.Of<Type> }> {
    const all = this.sent.splice(0)
    return all.filter((send): send is Send & { readonly message: Message.Of<Type> } => send.message.type === type)
  }

  /** Takes the events since the last time. */
  tells(): ReadonlyArray<Event.Event> {
    return this.events.splice(0)
  }

  /** Takes the names of the events since the last time. */
  told(): ReadonlyArray<Event.Event["event"]> {
    return this.tells().map((event) => event.event)
  }

  /** Takes the reasons for which datagrams were dropped since the last time. */
  drops(): ReadonlyArray<DropReason> {
    return this.dropped.splice(0)
  }

  get members(): ReadonlyArray<string> {
    return this.state.members.map((member) => member.name)
  }

  /** The name of the leader whom it follows, null while the place is vacant. */
  get follows(): string | null {
    const leader = this.state.election.reign?.leader
    return leader === undefined ? null : Peer.nameOf(leader)
  }

  get term(): number {
    return this.state.election.reign?.term ?? 0
  }

  get activity(): State["election"]["activity"]["_tag"] {
    return this.state.election.activity._tag
  }

  get leads(): boolean {
    return ElectionContext.ownReign(this.state) !== null
  }

  /** What it knows of a member besides what that says of itself. */
  knows(name: string): HashMap.HashMap.Value<State["known"]> {
    return Option.getOrThrow(HashMap.get(this.state.known, Peer.id(name)))
  }

  /** Who is being asked whether they live. */
  get checked(): ReadonlyArray<string> {
    return [...HashMap.keys(this.state.checks)].map((id) => Peer.nameOfId(id)).sort()
  }
}
