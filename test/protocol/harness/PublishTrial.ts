/**
 * Servers that publish over a network that loses, doubles and reorders, while one comes and goes that is too old for topics and
 * large messages; and what must hold of it, by a reference model that knows what was published, refused and received.
 */
import type { Output } from "../../../src/protocol/model/Output.ts"
import * as Step from "../../../src/protocol/Step.ts"
import * as Cluster from "./Cluster.ts"

/** What is promised. */
export type Promised =
  | "receivedOnce"
  | "inOrder"
  | "acknowledgedIsRelayed"
  | "refusedIsNotRelayed"
  | "nothingIsMissed"
  | "publishingEnds"

export interface Violation {
  readonly promised: Promised
  readonly what: string
}

export interface Report {
  readonly violations: ReadonlyArray<Violation>
  /** How often each thing happened, so that a trial in which nothing did is seen. */
  readonly counts: Readonly<Record<string, number>>
}

interface Given {
  readonly by: string
  readonly start: number
  /** How many reigns there had been. */
  readonly reigns: number
  isReceived: boolean
  outcome: "Published" | "Refused" | "Full" | "Withdrawn" | null
  endedAt: number
}

/** For so many ms a server may be the only one to have what it relayed last: it waits for what is missing before, 2 s at most. */
const alone = 2_500

/** Ranks lowest, so it never leads while another is there. */
const older = "a"

class Trial {
  readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = {}
  readonly #cluster: Cluster.Cluster
  readonly #random: () => number
  readonly #given: Array<Given> = []
  readonly #starts = new Map<string, number>()
  /** The newest message that a start of one server has received of a start of another. */
  readonly #newest = new Map<string, number>()
  readonly #crashes: Array<number> = []
  /** Whether servers of this version crash too. */
  readonly #isCalm: boolean

  constructor(seed: number, protocol: Pick<typeof Step, "make" | "step" | "leads">) {
    const random = this.#random = Cluster.random(seed)
    this.#isCalm = seed % 2 === 0
    const loss = 0.2 * random()
    this.#cluster = new Cluster.Cluster({
      size: 4,
      seed,
      member: (name) => name === older ? {} : { batches: true, topics: true },
      timing: () => ({ lease: { groupSize: 4, duration: 1_500, drift: 0.01 } }),
      clocks: (index) => ({ rate: 1, monotonic: 1_000 * index, wall: 1_000_000, boot: false }),
      arrives: ({ message: { type } }) => {
        if (!type.startsWith("CLIENT_")) return [1]
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
    for (const name of this.#cluster.names) if (name !== older) this.#start(name)
    this.#cluster.advance(5_000)
    for (let act = 0; act < 150; act++) {
      this.#act()
      this.#cluster.advance(40 * this.#random())
    }
    if (this.#cluster.state(older) !== null) this.#cluster.stop(older)
    this.#cluster.advance(20_000)
    for (const [ticket, { by, endedAt, isReceived, outcome, reigns, start }] of this.#given.entries()) {
      const what = `${ticket} of ${by}`
      const isLost = this.#crashes.some((at) => at >= endedAt && at - endedAt < alone)
      if (outcome === "Published" && !isReceived && !isLost) this.#complain("acknowledgedIsRelayed", what)
      const isOneReign = reigns === this.#cluster.led.length
      if (outcome === "Refused" && isReceived && isOneReign) this.#complain("refusedIsNotRelayed", what)
      if (outcome === null && this.#starts.get(by) === start) this.#complain("publishingEnds", what)
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

  #act(): void {
    const random = this.#random()
    if (random < 0.06) {
      if (this.#cluster.state(older) === null) return this.#start(older)
      return this.#random() < 0.5 ? this.#cluster.stop(older) : this.#cluster.crash(older)
    }
    const by = "bcd"[Math.floor(this.#random() * 3)]!
    if (random < 0.065 && !this.#isCalm) {
      this.#crashes.push(this.#cluster.now)
      this.#cluster.crash(by)
      return this.#start(by)
    }
    for (let many = 1 + 3 * this.#random(); many > 0; many -= 1) this.#publish(by)
  }

  #publish(by: string): void {
    const ticket = this.#given.length
    const start = this.#starts.get(by)!
    this.#given.push({ by, start, reigns: this.#cluster.led.length, isReceived: false, outcome: null, endedAt: 0 })
    const body = [ticket, "x".repeat(this.#random() < 0.1 ? 1_500 : 0)]
    const topic = this.#random() < 0.3 ? "orders" : undefined
    this.#cluster.step(by, { _tag: "Publish", ticket, body, topic })
    if (this.#random() > 0.02 || this.#given[ticket]!.outcome !== null) return
    const isOut = this.#cluster.state(by)?.publisher?.flights.some((flight) => flight.ticket === ticket) ?? false
    if (!isOut) this.#given[ticket]!.outcome = "Withdrawn"
    this.#cluster.step(by, { _tag: "Unpublish", ticket })
  }

  #told(name: string, output: Output): void {
    switch (output._tag) {
      case "Published":
        return this.#ends(output.ticket, "Published")
      case "NotPublished":
        return this.#ends(output.ticket, output.older.length > 0 ? "Refused" : "Full")
      case "Deliver":
        return this.#receive(name, (output.message.body as readonly [number, string])[0])
      case "Emit":
        if (output.event.event !== "MessageLost") return
        this.#count("missed")
        if (this.#isCalm && name !== older) this.#complain("nothingIsMissed", JSON.stringify(output.event))
    }
  }

  #ends(ticket: number, outcome: NonNullable<Given["outcome"]>): void {
    const given = this.#given[ticket]!
    if (given.outcome !== null) this.#complain("publishingEnds", `${ticket} twice`)
    given.outcome = outcome
    given.endedAt = this.#cluster.now
    this.#count(outcome)
  }

  #receive(name: string, ticket: number): void {
    const given = this.#given[ticket]!
    given.isReceived = true
    this.#count("received")
    const whose = `${given.start} of ${given.by} at ${this.#starts.get(name)} of ${name}`
    const newest = this.#newest.get(whose) ?? -1
    if (ticket === newest) this.#complain("receivedOnce", `${ticket}, ${whose}`)
    else if (ticket < newest) this.#complain("inOrder", `${ticket} after ${newest}, ${whose}`)
    this.#newest.set(whose, Math.max(newest, ticket))
  }
}

/** One trial. */
export const run = (seed: number, protocol: Pick<typeof Step, "make" | "step" | "leads"> = Step): Report =>
  new Trial(seed, protocol).run()
