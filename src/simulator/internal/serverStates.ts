/**
 * Single servers for the explorer: each state of a server is kept once and has a number, and what a step made of it is
 * remembered.
 */
import * as HashMap from "effect/HashMap"
import * as ElectionContext from "../../protocol/election/ElectionContext.ts"
import * as Member from "../../protocol/model/Member.ts"
import type * as Message from "../../protocol/model/Message.ts"
import type { Output } from "../../protocol/model/Output.ts"
import type * as Reign from "../../protocol/model/Reign.ts"
import type { State } from "../../protocol/model/State.ts"
import type * as Timing from "../../protocol/model/Timing.ts"
import * as Step from "../../protocol/Step.ts"
import * as Agreement from "../Agreement.ts"
import type * as Invariants from "../Invariants.ts"
import * as StepInvariants from "../StepInvariants.ts"
import { type Due, hash, type ServerState } from "./canonical.ts"
import { Datagrams } from "./datagrams.ts"
import * as Grid from "./grid.ts"

/** What a step came to: the server's next state, -1 where it has said goodbye, the datagrams that it sent, how many reigns of its own began. */
export interface Result {
  readonly node: number
  readonly sent: ReadonlyArray<number>
  readonly reigns: number
  readonly complaints: ReadonlyArray<Invariants.Complaint>
}

export class ServerStates {
  readonly count: number
  readonly isLease: boolean
  readonly settlesWithin: number
  readonly datagrams = new Datagrams()
  readonly #timing: Timing.Timing
  readonly #voters: number
  readonly #transition: typeof Step.step
  readonly #members: ReadonlyArray<Member.Member>
  readonly #nodes: Array<ServerState> = []
  readonly #numbers = new Map<number, number>()
  readonly #received = new Map<number, Result>()
  readonly #fired = new Map<number, Result>()
  readonly #later = new Map<number, number>()

  constructor({ timing, servers, transition = Step.step, voters = servers }: {
    readonly servers: number
    readonly timing: Timing.Timing
    readonly transition?: typeof Step.step | undefined
    readonly voters?: number | undefined
  }) {
    this.#voters = voters
    this.count = servers
    this.#timing = timing
    this.isLease = timing.lease !== null
    this.#transition = transition
    this.settlesWithin = Agreement.settlesWithin(timing, servers, { delay: 100 })
    this.#members = Array.from({ length: servers }, (_, index) => ({
      id: Member.NodeId.make(String(index + 1).padStart(16, "0")),
      ip: `10.0.0.${index + 1}`,
      port: 4_000,
      hostname: `s${index}`,
      name: `s${index}`,
      priority: 0,
      incarnation: 1,
      tags: {}
    }))
  }

  get size(): number {
    return this.#nodes.length
  }

  // --- What is seen of a server ---

  /** Its state, which was last checked for a pause just now. */
  state(id: number): State {
    const { now, state } = this.#node(id)
    return { ...state, lookedAt: now }
  }

  /** What its clocks show. */
  clocks(of: State): Invariants.Clocks {
    return { monotonic: of.lookedAt, wall: 0, sinceBoot: undefined }
  }

  /** In how many ms its next step is due. */
  due(id: number): number {
    const { agenda, now, state } = this.#node(id)
    return Math.min(agenda[0]?.at ?? Infinity, Step.dueAt(state)) - now
  }

  living(id: number): Invariants.Living {
    const state = this.state(id)
    return { state, clocks: this.clocks(state) }
  }

  claim(id: number): Reign.Reign | null {
    const { clocks, state } = this.living(id)
    return Step.leads(state, clocks)
  }

  /** Whether it is about to do nothing but what it does all the time. */
  isIdle(id: number): boolean {
    const { checks, election, phase } = this.#node(id).state
    return phase === "Live" && election.activity._tag === "Idle" && HashMap.isEmpty(checks)
  }

  /** What its next step is for. */
  next(id: number): string {
    const { agenda, now, state } = this.#node(id)
    const at = now + this.due(id)
    const keys = state.timers.filter(({ due }) => due <= at).map(({ key }) => key)
    const first = agenda[0]
    if (first !== undefined && first.at <= at) keys.push(typeof first.what === "string" ? first.what : first.what._tag)
    return keys.join(" ")
  }

  // --- What happens to it ---

  start(index: number, incarnation: number): Result {
    const self = { ...(this.#members[index] as Member.Member), incarnation }
    const timing = { ...this.#timing, votes: index < this.#voters }
    const state = Step.make({ timing, self, addresses: [{ ip: self.ip, port: self.port }], monotonic: 0 })
    // The heartbeats of the servers do not fall together, as they do not in life.
    const first = (index * 150 + 25) % this.#timing.heartbeatInterval
    const agenda: ReadonlyArray<Due> = [
      { at: this.#timing.heartbeatInterval + first, what: "heartbeat" },
      { at: this.#timing.cleanupInterval + first + 50, what: "sweep" }
    ]
    const fresh: ServerState = { index, state, now: 0, agenda, past: StepInvariants.nothing, asked: 0 }
    return this.#steps(fresh, [{ _tag: "Start" }, { _tag: "Discover" }, { _tag: "Heartbeat" }])
  }

  receive(id: number, datagram: number): Result {
    const key = id * 0x400_0000 + datagram
    const known = this.#received.get(key)
    if (known !== undefined) return known
    const { from, message, refused, via } = this.datagrams.at(datagram)
    const { ip, port } = this.#members[from] as Member.Member
    const result = this.#steps(this.#node(id), [
      refused === null ? { _tag: "Received", message, from: { ip, port }, via } : { _tag: "Refused", id: refused }
    ])
    this.#received.set(key, result)
    return result
  }

  leave(id: number): Result {
    return this.#steps(this.#node(id), [{ _tag: "Leave" }])
  }

  /** It takes its next step, which is due. */
  fire(id: number): Result {
    const known = this.#fired.get(id)
    if (known !== undefined) return known
    const node = this.#node(id)
    const [first, ...agenda] = node.agenda
    const result = first === undefined || first.at > node.now
      ? this.#steps(node, [{ _tag: "Due" }])
      : this.#do({ ...node, agenda }, first)
    this.#fired.set(id, result)
    return result
  }

  #do(node: ServerState, { at, what }: Due): Result {
    const again = (millis: number): ServerState => ({
      ...node,
      agenda: inOrder([...node.agenda, { at: at + millis, what }])
    })
    switch (what) {
      case "heartbeat":
        return this.#steps(again(this.#timing.heartbeatInterval), [{ _tag: "Discover" }, { _tag: "Heartbeat" }])
      case "sweep":
        return this.#steps(again(this.#timing.cleanupInterval), [{ _tag: "Sweep" }])
      default:
        return this.#steps(node, [what])
    }
  }

  later(id: number, millis: number): number {
    const key = id * 1_024 + millis / Grid.step
    const known = this.#later.get(key)
    if (known !== undefined) return known
    const node = this.#node(id)
    const later = this.#number({ ...node, now: node.now + millis })
    this.#later.set(key, later)
    return later
  }

  // --- Steps ---

  #node(id: number): ServerState {
    return this.#nodes[id] as ServerState
  }

  #steps(node: ServerState, inputs: ReadonlyArray<Step.Input>): Result {
    let now = node
    let reigns = 0
    const sent: Array<number> = []
    const complaints: Array<Invariants.Complaint> = []
    for (const input of inputs) {
      // Nobody is paused here: the last check for a pause was just now.
      const before: State = { ...now.state, lookedAt: now.now }
      const time = {
        monotonic: now.now,
        wall: 0,
        // What one start draws the next one does not.
        entropy: (Math.imul(now.index * 64 + now.asked + 1_024 * (before.self.incarnation - 1), 0x9e3779b1) + 7) >>> 0
      }
      const [after, outputs] = this.#transition(before, input, time)
      const [past, wrong] = StepInvariants.judge(now.past, { before, input, now: time, after, outputs })
      complaints.push(...wrong)
      const own = ElectionContext.ownReign(after)
      if (own !== null && own.term !== ElectionContext.ownReign(before)?.term) reigns += 1
      now = this.#carryOut({ ...now, state: Grid.snapped(after, now.now), past }, before, outputs, sent)
    }
    return { node: now.state.phase === "Left" ? -1 : this.#number(now), sent, reigns, complaints }
  }

  #carryOut(node: ServerState, before: State, outputs: ReadonlyArray<Output>, sent: Array<number>): ServerState {
    let { agenda, asked } = node
    for (const output of outputs) {
      switch (output._tag) {
        case "Send":
        case "Ask":
          if (isNewQuestion(output.message, before)) asked += 1
          for (const to of output._tag === "Send" ? output.to : [output.to]) this.#send(node.index, to, output, sent)
          break
        case "EndWork":
          agenda = inOrder([...agenda, { at: node.now, what: { _tag: "WorkEnded", election: output.election } }])
          break
        case "AwaitIdle":
          agenda = inOrder([...agenda, { at: node.now, what: { ...output, _tag: "WorkIdle" } }])
          break
        default:
      }
    }
    return { ...node, asked: asked % 64, agenda }
  }

  #send(
    from: number,
    to: Member.Address | null,
    output: Extract<Output, { readonly _tag: "Send" | "Ask" }>,
    sent: Array<number>
  ): void {
    const { message } = output
    for (const [index, { ip }] of this.#members.entries()) {
      if (index === from || (to !== null && to.ip !== ip)) continue
      const via = to === null ? "multicast" : "unicast"
      const asks = output._tag === "Ask" ? output.id : null
      sent.push(this.datagrams.numberOf({ from, to: index, via, message, refused: null, asks }))
    }
  }

  // --- Numbers ---

  #number(node: ServerState): number {
    const key = hash(node)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#nodes.length
    this.#nodes.push(node)
    this.#numbers.set(key, number)
    return number
  }
}

const isNewQuestion = (message: Message.Message, before: State): boolean => {
  if (message.type !== "SERVER_PROBE" || message.nonce === before.probe) return false
  for (const check of HashMap.values(before.checks)) if (check.nonce === message.nonce) return false
  return true
}

const inOrder = (agenda: ReadonlyArray<Due>): ReadonlyArray<Due> => agenda.toSorted((a, b) => a.at - b.at)
