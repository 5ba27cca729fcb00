/**
 * Servers that talk over a network that loses, doubles and reorders, and that are restarted meanwhile; and what must hold of
 * it, by a reference model that knows what was said, asked and handled.
 */
import type * as Member from "../../../src/protocol/model/Member.ts"
import type { Output } from "../../../src/protocol/model/Output.ts"
import * as TalkMessages from "../../../src/protocol/model/TalkMessages.ts"
import * as Step from "../../../src/protocol/Step.ts"
import * as Cluster from "./Cluster.ts"
import * as Peer from "./Peer.ts"

/** What is promised. */
export type Promised =
  | "heardOnce"
  | "handledOnce"
  | "answersBelong"
  | "refusedIsNotHandled"
  | "leaderHandles"
  | "asksEnd"

export interface Violation {
  readonly promised: Promised
  readonly what: string
}

export interface Report {
  readonly violations: ReadonlyArray<Violation>
  /** How often each thing happened, so that a trial in which nothing did is seen. */
  readonly counts: Readonly<Record<string, number>>
}

interface Ask {
  readonly by: string
  readonly start: number
  readonly lead: boolean
  readonly text: string
  handled: number
  outcome: string | null
}

const within = 2_000

/** How an app answers: by what it was asked. */
const answerTo = (text: string): string => `answer to ${text}`

class Trial {
  readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = {}
  readonly #cluster: Cluster.Cluster
  readonly #random: () => number
  readonly #heard = new Map<string, number>()
  readonly #asks: Array<Ask> = []
  readonly #starts = new Map<string, number>()
  #said = 0

  constructor(seed: number, protocol: Pick<typeof Step, "make" | "step" | "leads">) {
    const random = this.#random = Cluster.random(seed)
    const loss = 0.3 * random()
    this.#cluster = new Cluster.Cluster({
      size: 3,
      seed,
      timing: () => ({ lease: { groupSize: 3, duration: 1_500, drift: 0.01 } }),
      clocks: (index) => ({ rate: 1, monotonic: 1_000 * index, wall: 1_000_000, boot: false }),
      arrives: ({ message: { type } }) => {
        const isTalk = type === "TALK" || type === "QUESTION" || type === "ANSWER" || type === "PARTS_ASK"
        if (!isTalk) return [1]
        if (random() < loss) return []
        const late = () => random() < 0.1 ? 400 * random() : 10 * random()
        return random() < 0.2 ? [late(), late()] : [late()]
      },
      stops: () => 0,
      told: (name, output) => this.#told(name, output),
      protocol
    })
  }

  run(): Report {
    for (const name of this.#cluster.names) this.#start(name)
    this.#cluster.advance(5_000)
    for (let act = 0; act < 120; act++) {
      this.#act()
      this.#cluster.advance(60 * this.#random())
    }
    this.#cluster.advance(2 * within)
    for (const { by, handled, outcome, start, text } of this.#asks) {
      if ((outcome === "NotLeading" || outcome === "Busy") && handled > 0) {
        this.#complain("refusedIsNotHandled", `${name(text)} was refused as ${outcome}, and handled`)
      }
      if (outcome === null && this.#starts.get(by) === start) this.#complain("asksEnd", name(text))
    }
    return { violations: this.violations, counts: this.counts }
  }

  #complain(promised: Promised, what: string): void {
    this.violations.push({ promised, what })
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  #start(name: string): void {
    this.#starts.set(name, (this.#starts.get(name) ?? 0) + 1)
    this.#cluster.start(name)
  }

  #anyone(): string {
    return this.#cluster.names[Math.floor(this.#random() * this.#cluster.names.length)]!
  }

  #act(): void {
    const random = this.#random()
    const by = this.#anyone()
    if (random < 0.04) {
      this.#cluster.crash(by)
      this.#start(by)
      return
    }
    if (random < 0.4) {
      const to = random < 0.25 ? null : Peer.id(this.#anyone())
      return this.#cluster.step(by, { _tag: "Say", to, topic: "news", body: `${this.#said++} to ${to ?? "all"}` })
    }
    const lead = random < 0.6
    const number = this.#asks.length + 1
    const filling = this.#random() < 0.2 ? Math.floor(40 * TalkMessages.maxPartBytes * this.#random()) : 0
    const text = `${number} ${Array.from({ length: Math.ceil(filling / 8) }, (_, at) => `${at}`.padStart(8)).join("")}`
    this.#asks.push({ by, start: this.#starts.get(by)!, lead, text, handled: 0, outcome: null })
    const to: Member.NodeId | "leader" = lead ? "leader" : Peer.id(this.#anyone())
    this.#cluster.step(by, { _tag: "Question", number, to, question: "echo", text, within })
  }

  #told(name: string, output: Output): void {
    switch (output._tag) {
      case "Hear":
        return this.#hear(name, output)
      case "Handle":
        return this.#handle(name, output)
      case "Answered": {
        const ask = this.#asks[output.number - 1]!
        this.#count(output.outcome)
        if (ask.outcome !== null) this.#complain("asksEnd", `${output.number} twice`)
        ask.outcome = output.outcome
        if (output.outcome === "Done" && output.text !== answerTo(ask.text)) {
          this.#complain("answersBelong", `${output.number} got ${output.text.slice(0, 40)}`)
        }
      }
    }
  }

  #hear(name: string, { body, by }: Extract<Output, { readonly _tag: "Hear" }>): void {
    const key = `${JSON.stringify(body)} at start ${this.#starts.get(name)} of ${name}`
    const times = (this.#heard.get(key) ?? 0) + 1
    this.#heard.set(key, times)
    this.#count(by)
    if (times > 1) this.#complain("heardOnce", key)
  }

  #handle(name: string, { from, seq, text }: Extract<Output, { readonly _tag: "Handle" }>): void {
    const ask = this.#asks[Number.parseInt(text, 10) - 1]
    if (ask === undefined || ask.text !== text) return this.#complain("answersBelong", `${seq} was handled as another`)
    ask.handled += 1
    this.#count("handled")
    if (ask.handled > 1) this.#complain("handledOnce", `${seq} of ${from.name} at ${name}`)
    const leaders = this.#cluster.leaders
    if (ask.lead && !leaders.includes(name)) this.#complain("leaderHandles", `${seq} at ${name}`)
    const start = this.#starts.get(name)
    this.#cluster.after(this.#random() < 0.8 ? 1 : 300 * this.#random(), () => {
      if (this.#starts.get(name) !== start) return
      const asker = { id: from.id, incarnation: from.incarnation }
      this.#cluster.step(name, { _tag: "Handled", from: asker, seq, outcome: "Done", text: answerTo(text) })
    })
  }
}

const name = (text: string): string => text.split(" ", 1)[0]!

/** One trial. */
export const run = (seed: number, protocol: Pick<typeof Step, "make" | "step" | "leads"> = Step): Report =>
  new Trial(seed, protocol).run()
