/**
 * An operator who commands servers over a network that loses, doubles and reorders, one of which is dead now and then; and what must
 * hold of it, by a reference model that knows what was commanded, done, asked and answered.
 */
import * as Commands from "../../../src/protocol/Commands.ts"
import type * as Event from "../../../src/protocol/model/Event.ts"
import type * as Member from "../../../src/protocol/model/Member.ts"
import type * as Message from "../../../src/protocol/model/Message.ts"
import type { Output } from "../../../src/protocol/model/Output.ts"
import * as Timing from "../../../src/protocol/model/Timing.ts"
import * as Step from "../../../src/protocol/Step.ts"
import * as Cluster from "./Cluster.ts"
import * as Peer from "./Peer.ts"

/** What is promised. */
export type Promised = "doneOnce" | "refusedIsNotDone" | "askedFirst" | "aliveStays" | "answersBelong"

export interface Violation {
  readonly promised: Promised
  readonly what: string
}

export interface Report {
  readonly violations: ReadonlyArray<Violation>
  /** How often each thing happened, so that a trial in which nothing did is seen. */
  readonly counts: Readonly<Record<string, number>>
}

/** Who carries commands out, and who takes the answers. */
export interface Parts {
  readonly protocol?: Pick<typeof Step, "make" | "step" | "leads">
  readonly isAllowed?: typeof Commands.isAllowed
  readonly isAnswer?: typeof Commands.isAnswer
}

type Command = Message.Of<"COMMAND">

/** How a command comes: from where, sealed or not, to a group with a key or without. */
interface Way {
  readonly from: Member.Address
  readonly isSealed: boolean
  readonly hasKey: boolean
}

/** One command: what the servers have made of it, and what the operator takes for the answer. */
interface Commanded {
  readonly message: Command
  readonly way: Way
  done: number
  readonly answers: Set<string>
  outcome: string | null
}

const desk = { ip: "192.0.2.150", port: 6_000 }
const here = { ip: "127.0.0.1", port: 6_000 }

/** The ways of a command that is to be obeyed, and of one that is not. */
const ways = {
  obeyed: [
    { from: here, isSealed: false, hasKey: false },
    { from: here, isSealed: true, hasKey: true },
    { from: desk, isSealed: true, hasKey: true }
  ],
  refused: [
    { from: desk, isSealed: false, hasKey: false },
    { from: here, isSealed: false, hasKey: true },
    { from: desk, isSealed: false, hasKey: true }
  ]
} as const
const gaps: ReadonlyArray<number> = [100, 200, 400, 800]

class Trial {
  readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = {}
  readonly #cluster: Cluster.Cluster
  readonly #random: () => number
  readonly #isAllowed: typeof Commands.isAllowed
  readonly #isAnswer: typeof Commands.isAnswer
  readonly #commands = new Map<string, Commanded>()
  /** When one server asked another, and last heard it. */
  readonly #asked = new Map<string, Array<number>>()
  readonly #heard = new Map<string, number>()
  readonly #loss: number

  constructor(seed: number, { isAllowed = Commands.isAllowed, isAnswer = Commands.isAnswer, protocol = Step }: Parts) {
    this.#random = Cluster.random(seed)
    this.#isAllowed = isAllowed
    this.#isAnswer = isAnswer
    this.#loss = 0.4 * this.#random()
    this.#cluster = new Cluster.Cluster({
      size: 3,
      seed,
      timing: () => ({ lease: { groupSize: 3, duration: 1_500, drift: 0.01 } }),
      clocks: (index) => ({ rate: 1, monotonic: 1_000 * index, wall: 1_000_000, boot: false }),
      arrives: ({ from, to }) => {
        this.#heard.set(`${from} at ${to}`, this.#cluster.now + 1)
        return [1]
      },
      stops: () => 0,
      told: (name, output) => this.#told(name, output),
      protocol
    })
  }

  run(): Report {
    for (const name of this.#cluster.names) this.#cluster.start(name)
    this.#cluster.advance(5_000)
    for (let act = 0; act < 40; act++) {
      this.#act()
      this.#cluster.advance(400 * this.#random())
    }
    this.#cluster.advance(10_000)
    for (const { answers, message: { nonce, what }, outcome } of this.#commands.values()) {
      this.#count(`${what} ${outcome}`)
      if (outcome !== null && !answers.has(outcome)) this.#complain("answersBelong", `${what} ${nonce}: ${outcome}`)
    }
    return { violations: this.violations, counts: this.counts }
  }

  #complain(promised: Promised, what: string): void {
    this.violations.push({ promised, what })
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  #anyone(): string {
    return this.#cluster.names[Math.floor(this.#random() * this.#cluster.names.length)]!
  }

  #act(): void {
    if (this.#random() < 0.2) {
      const name = this.#anyone()
      this.#cluster.crash(name)
      // It is evicted at once, while the others take it for a member.
      this.#command(this.#anyone(), "Evict", name)
      return this.#cluster.after(2_000 * this.#random(), () => this.#cluster.start(name))
    }
    const what = (["Resign", "StepDown", "Transfer", "Evict"] as const)[Math.floor(4 * this.#random())]!
    this.#command(this.#anyone(), what, this.#anyone())
  }

  #command(at: string, what: string, whom: string): void {
    const to = this.#cluster.state(at)?.self
    if (to === undefined) return
    const member = this.#cluster.state(whom)?.self ?? this.#memberAt(at, whom)
    const nonce = (this.#commands.size + 1).toString(16)
    const message: Command = {
      type: "COMMAND",
      nonce,
      to: { id: to.id, incarnation: to.incarnation },
      what,
      election: "",
      ...what === "StepDown" ? { for: 300 } : {},
      ...member === undefined ? {} : { member: { id: member.id, incarnation: member.incarnation } },
      // By which it is known in events.
      by: { user: nonce, host: "desk" }
    }
    const way = ways[this.#random() < 0.8 ? "obeyed" : "refused"][Math.floor(3 * this.#random())]!
    const command = { message, way, done: 0, answers: new Set<string>(), outcome: null }
    this.#commands.set(nonce, command)
    this.#say(at, command, 0)
  }

  #memberAt(at: string, whom: string): Member.Member | undefined {
    return this.#cluster.state(at)?.members.find(({ name }) => name === whom)
  }

  /** Until it is answered, or the operator gives up. */
  #say(at: string, command: Commanded, times: number): void {
    if (command.outcome !== null || times > gaps.length) return
    const { message, way: { from, ...sealed } } = command
    const mayCommand = this.#isAllowed(from, sealed)
    this.#late(() => this.#cluster.step(at, { _tag: "Received", message, from, via: "unicast", mayCommand }))
    this.#cluster.after(gaps[times] ?? 800, () => this.#say(at, command, times + 1))
  }

  /** What passes between the operator and a server. */
  #late(run: () => void): void {
    const copies = this.#random() < this.#loss ? 0 : this.#random() < 0.3 ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      this.#cluster.after(this.#random() < 0.3 ? 2_000 * this.#random() : 10 * this.#random(), run)
    }
  }

  #told(name: string, output: Output): void {
    if (output._tag === "Emit") return this.#emitted(name, output.event)
    if (output._tag !== "Send") return
    const { message, to } = output
    for (const address of to) {
      if (message.type === "SERVER_PROBE" && address !== null) {
        const key = `${Peer.nameOf(address)} by ${name}`
        this.#asked.set(key, [...this.#asked.get(key) ?? [], this.#cluster.now].slice(-Timing.probeTries))
      }
      if (message.type === "COMMAND_DONE") this.#answer(message)
    }
  }

  #answer(message: Message.Of<"COMMAND_DONE">): void {
    this.#commands.get(message.nonce)!.answers.add(message.outcome)
    this.#late(() => {
      // It waits for the answers to those that it has said last.
      for (const command of [...this.#commands.values()].slice(-3)) {
        if (command.outcome === null && this.#isAnswer(message, command.message.nonce)) {
          command.outcome = message.outcome
        }
      }
    })
  }

  #emitted(name: string, event: Event.Event): void {
    if (event.event === "Commanded") {
      const command = this.#commands.get(event.by.split("@")[0]!)!
      command.done += 1
      const { message: { what }, way } = command
      if (command.done > 1) this.#complain("doneOnce", `${what} at ${name}`)
      if (!(ways.obeyed as ReadonlyArray<Way>).includes(way)) this.#complain("refusedIsNotDone", `${what} at ${name}`)
    }
    if (event.event !== "MemberRemoved" || event.reason._tag !== "Evicted") return
    this.#count("evicted")
    const member = event.member.name
    const asked = this.#asked.get(`${member} by ${name}`) ?? []
    const [first = 0] = asked
    const long = (Timing.probeTries + 1) * this.#cluster.state(name)!.timing.probeTimeout
    if (asked.length < Timing.probeTries || this.#cluster.now - first > long) {
      this.#complain("askedFirst", `${member} by ${name}`)
    } else if ((this.#heard.get(`${member} at ${name}`) ?? 0) > first) {
      this.#complain("aliveStays", `${member} by ${name}`)
    }
  }
}

/** One trial. */
export const run = (seed: number, parts: Parts = {}): Report => new Trial(seed, parts).run()
