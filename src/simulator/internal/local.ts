/**
 * Single servers and datagrams for the explorer: each state of a server is kept once and has a number, and so is each
 * datagram; what a step made of which is remembered.
 */
import * as HashMap from "effect/HashMap"
import * as ElectionContext from "../../protocol/election/ElectionContext.ts"
import * as Member from "../../protocol/model/Member.ts"
import type * as Message from "../../protocol/model/Message.ts"
import type * as Reign from "../../protocol/model/Reign.ts"
import type { Output, State } from "../../protocol/model/State.ts"
import * as Timers from "../../protocol/model/Timers.ts"
import type * as Timing from "../../protocol/model/Timing.ts"
import * as Step from "../../protocol/Step.ts"
import * as Agreement from "../Agreement.ts"
import * as Invariants from "../Invariants.ts"

/** All times are made whole multiples of this, in ms. */
export const grid = 25

/** Times that lie on the grid, far enough apart to be told apart, and as short as their relations allow. */
export const timing: Timing.Timing = {
  heartbeatInterval: 500,
  cleanupInterval: 500,
  memberTimeout: 1_500,
  probeTimeout: 100,
  discoveryWindow: 200,
  electionStagger: 25,
  okTimeout: 200,
  coordinatorTimeout: 200,
  multicast: true,
  preempt: true,
  stableAfter: 0,
  minimumMembers: 1,
  maxMembers: 4_096,
  maxClients: 1_024,
  maxDeparted: 1_024,
  stopTimeout: 25,
  lease: null
}

/** What a step came to: the server's next state, -1 where it has said goodbye, the datagrams that it sent, how many reigns of its own began. */
export interface Result {
  readonly node: number
  readonly sent: ReadonlyArray<number>
  readonly reigns: number
  readonly complaints: ReadonlyArray<Invariants.Complaint>
}

/** What happens to a server at some time besides its timers. */
interface Due {
  readonly at: number
  readonly what: Step.Input | "beat" | "sweep"
}

/** One server at one time. Its state counts from a beginning of its own; only what that is from `now` matters. */
interface Node {
  readonly index: number
  readonly state: State
  readonly now: number
  /** In the order in which it is due. */
  readonly agenda: ReadonlyArray<Due>
  readonly past: Invariants.Past
  /** How many questions it has asked: the next one's name is drawn from it. */
  readonly asked: number
}

interface Datagram {
  readonly from: number
  readonly to: number
  readonly via: "multicast" | "unicast"
  readonly message: Message.Message
  /** The host refuses it instead. */
  readonly refused: Member.NodeId | null
  /** It asks whether its host refuses. */
  readonly asks: Member.NodeId | null
}

export class Servers {
  readonly servers: number
  readonly isLease: boolean
  readonly settlesWithin: number
  readonly #timing: Timing.Timing
  readonly #transition: typeof Step.step
  readonly #members: ReadonlyArray<Member.Member>
  readonly #nodes: Array<Node> = []
  readonly #numbers = new Map<number, number>()
  readonly #datagrams: Array<Datagram> = []
  readonly #datagramNumbers = new Map<string, number>()
  readonly #received = new Map<number, Result>()
  readonly #fired = new Map<number, Result>()
  readonly #later = new Map<number, number>()

  constructor({ timing, servers, transition = Step.step }: {
    readonly servers: number
    readonly timing: Timing.Timing
    readonly transition?: typeof Step.step | undefined
  }) {
    this.servers = servers
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

  get datagrams(): number {
    return this.#datagrams.length
  }

  // --- What is seen of a server ---

  /** Its state, whose watch has just looked. */
  state(id: number): State {
    const { now, state } = this.#node(id)
    return { ...state, watchedAt: now }
  }

  /** What its clocks show. */
  clocks(of: State): Invariants.Clocks {
    return { monotonic: of.watchedAt, wall: 0, sinceBoot: undefined }
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
    return Invariants.claim(state, clocks)
  }

  /** Whether it is about to do nothing but what it does all the time. */
  isIdle(id: number): boolean {
    const { checks, election, phase } = this.#node(id).state
    return phase === "Live" && election.activity._tag === "Idle" && HashMap.isEmpty(checks)
  }

  target(datagram: number): number {
    return (this.#datagrams[datagram] as Datagram).to
  }

  describe(datagram: number): string {
    const { from, message, refused, to } = this.#datagrams[datagram] as Datagram
    return refused === null ? `${message.type} of s${from} to s${to}` : `the refusal of s${from} to s${to}`
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
    const state = Step.make({ timing: this.#timing, self, addresses: [{ ip: self.ip, port: self.port }], monotonic: 0 })
    // The beats of the servers do not fall together, as they do not in life.
    const first = (index * 150 + 25) % this.#timing.heartbeatInterval
    const agenda: ReadonlyArray<Due> = [
      { at: this.#timing.heartbeatInterval + first, what: "beat" },
      { at: this.#timing.cleanupInterval + first + 50, what: "sweep" }
    ]
    const fresh: Node = { index, state, now: 0, agenda, past: Invariants.nothing, asked: 0 }
    return this.#steps(fresh, [{ _tag: "Start" }, { _tag: "Discover" }, { _tag: "Heartbeat" }])
  }

  receive(id: number, datagram: number): Result {
    const key = id * 0x400_0000 + datagram
    const known = this.#received.get(key)
    if (known !== undefined) return known
    const { from, message, refused, via } = this.#datagrams[datagram] as Datagram
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

  #do(node: Node, { at, what }: Due): Result {
    const again = (millis: number): Node => ({ ...node, agenda: inOrder([...node.agenda, { at: at + millis, what }]) })
    switch (what) {
      case "beat":
        return this.#steps(again(this.#timing.heartbeatInterval), [{ _tag: "Discover" }, { _tag: "Heartbeat" }])
      case "sweep":
        return this.#steps(again(this.#timing.cleanupInterval), [{ _tag: "Sweep" }])
      default:
        return this.#steps(node, [what])
    }
  }

  later(id: number, millis: number): number {
    const key = id * 1_024 + millis / grid
    const known = this.#later.get(key)
    if (known !== undefined) return known
    const node = this.#node(id)
    const later = this.#number({ ...node, now: node.now + millis })
    this.#later.set(key, later)
    return later
  }

  /** What comes back of a datagram to a host where nobody listens, if its sender looks for it. */
  refusal(datagram: number): number | null {
    const { asks, from, message, to } = this.#datagrams[datagram] as Datagram
    return asks === null
      ? null
      : this.#datagram({ from: to, to: from, via: "unicast", message, refused: asks, asks: null })
  }

  // --- Steps ---

  #node(id: number): Node {
    return this.#nodes[id] as Node
  }

  #steps(node: Node, inputs: ReadonlyArray<Step.Input>): Result {
    let now = node
    let reigns = 0
    const sent: Array<number> = []
    const complaints: Array<Invariants.Complaint> = []
    for (const input of inputs) {
      // Nobody stalls here: the watch has just looked.
      const before: State = { ...now.state, watchedAt: now.now }
      const time = {
        monotonic: now.now,
        wall: 0,
        // What one start draws the next one does not.
        entropy: (Math.imul(now.index * 64 + now.asked + 1_024 * (before.self.incarnation - 1), 0x9e3779b1) + 7) >>> 0
      }
      const [after, outputs] = this.#transition(before, input, time)
      const [past, wrong] = Invariants.judge(now.past, { before, input, now: time, after, outputs })
      complaints.push(...wrong)
      const own = ElectionContext.ownReign(after)
      if (own !== null && own.term !== ElectionContext.ownReign(before)?.term) reigns += 1
      now = this.#carryOut({ ...now, state: onGrid(after, now.now), past }, before, outputs, sent)
    }
    return { node: now.state.phase === "Left" ? -1 : this.#number(now), sent, reigns, complaints }
  }

  #carryOut(node: Node, before: State, outputs: ReadonlyArray<Output>, sent: Array<number>): Node {
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
      sent.push(this.#datagram({ from, to: index, via, message, refused: null, asks }))
    }
  }

  // --- Numbers ---

  #datagram(datagram: Datagram): number {
    const key = JSON.stringify(datagram)
    const known = this.#datagramNumbers.get(key)
    if (known !== undefined) return known
    const number = this.#datagrams.length
    this.#datagrams.push(datagram)
    this.#datagramNumbers.set(key, number)
    return number
  }

  #number(node: Node): number {
    const key = hashText(this.#canonical(node))
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#nodes.length
    this.#nodes.push(node)
    this.#numbers.set(key, number)
    return number
  }

  /** The text that two nodes share if and only if all that may follow is the same. */
  #canonical({ agenda, asked, index, now, past, state }: Node): string {
    // What has been so for longer than this has always been so.
    const longest = 2 * Math.max(state.timing.memberTimeout, 3 * state.timing.heartbeatInterval)
    const write = (value: unknown, key: string): string => {
      if (typeof value === "number") {
        if (!times.has(key)) return String(value)
        const since = value - now
        // How long ago a lead was lost counts for longer than anything else.
        if (dampings.has(key)) return String(since)
        return since < -longest ? "old" : since > longest ? "never" : String(since)
      }
      if (typeof value !== "object" || value === null) return String(value)
      if (HashMap.isHashMap(value) || value instanceof Map) {
        const entries: Array<string> = []
        for (const [name, one] of value as Iterable<[unknown, unknown]>) {
          entries.push(`${String(name)}:${write(one, key)}`)
        }
        return `{${entries.sort().join()}}`
      }
      if (Array.isArray(value)) return `[${value.map((one) => write(one, key)).join()}]`
      if ("hostname" in value && "incarnation" in value && "id" in value) {
        return `${String(value.id)}#${String(value.incarnation)}`
      }
      let text = "{"
      for (const name in value) {
        if (!idle.has(name)) text += `${name}:${write((value as Record<string, unknown>)[name], name)},`
      }
      return `${text}}`
    }
    const due = agenda.map(({ at, what }) => `${at - now}${typeof what === "string" ? what : what._tag}`)
    for (const { due: at, key, timer } of state.timers) due.push(`${at - now}${key}${write(timer, "")}`)
    return `${index} ${asked} ${state.self.incarnation} ${due.join()} ${write(state, "")} ${write(past, "")}`
  }
}

/** What is a point in time, wherever it stands in a state. */
const times: ReadonlySet<string> = new Set([
  "heardAt",
  "witnessedAt",
  "deafAt",
  "againAt",
  "votesAt",
  "multicastAt",
  "joinedAt",
  "until",
  "since",
  "hearsayAt",
  "noticed",
  "drainUntil",
  "backoffUntil",
  "workUntil",
  "lastUntil",
  "passedUntil",
  "hearsUsAt",
  "lostAt",
  "wholeSince",
  "silentUntil",
  "monotonic",
  "sentAt",
  "anchor",
  "askedAt",
  "duplicateAt",
  "startedAt",
  "noticedAt",
  "comparedAt",
  "handedOnAt",
  "repairAt",
  "hearsUsAt",
  "proofAskedAt",
  "provenAt",
  "unansweredAt",
  "unheardSince"
])

const dampings: ReadonlySet<string> = new Set(["lostAt", "wholeSince"])

/** What decides nothing, or is the same in all states, or stands elsewhere in the text. */
const idle: ReadonlySet<string> = new Set([
  "timing",
  "self",
  "addresses",
  "watchedAt",
  "watchedSinceBoot",
  "doubts",
  "generation",
  "lag",
  "timers",
  "raised",
  "cause"
])

/** With timers that are due at times of the grid, in the order in which they are due. */
const onGrid = (state: State, now: number): State => {
  let timers: State["timers"] = Timers.empty
  for (const { due, key, timer } of state.timers) {
    // What waits for an instant by the clock would find it not come yet, and wait again, for ever.
    const toGrid = timer._tag === "Eligible" ? Math.ceil : Math.floor
    timers = Timers.set(timers, key, now + toGrid((due - now) / grid) * grid, timer)
  }
  return { ...state, timers }
}

const isNewQuestion = (message: Message.Message, before: State): boolean => {
  if (message.type !== "SERVER_PROBE" || message.nonce === before.probe) return false
  for (const check of HashMap.values(before.checks)) if (check.nonce === message.nonce) return false
  return true
}

const inOrder = (agenda: ReadonlyArray<Due>): ReadonlyArray<Due> => agenda.toSorted((a, b) => a.at - b.at)

/** 53 bits of a text. */
const hashText = (text: string): number => {
  let one = 0xdeadbeef
  let two = 0x41c6ce57
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    one = Math.imul(one ^ code, 2_654_435_761)
    two = Math.imul(two ^ code, 1_597_334_677)
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909)
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909)
  return 4_294_967_296 * (2_097_151 & two) + (one >>> 0)
}
