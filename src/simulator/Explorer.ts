/**
 * Visits the states that a few servers can get into, in every order of what can happen: the protocol is a function of
 * inputs, so the inputs can be taken in all orders instead of those that a clock and a network happen to give.
 *
 * **What can happen** in a state: any datagram under way arrives; or is lost, or arrives and stays under way (as often as
 * {@link Bounds} allow); the server whose next step is due first takes it, any of those that are due at one time, and with it
 * fires all of its timers that are due; a server dies or is told to leave, one that is gone starts again. Time moves only
 * from one due step to the next, and no further than a datagram may be under way.
 *
 * **What is one state**: times count from now and, beyond the longest time-out, as long ago; timers by what they are for;
 * what is under way as a set. Each server's state, and each datagram, is kept once and has a number, a state of all is a
 * few numbers, and a step that was once taken in a state is looked up from then on. States are told apart by 64 bits of a
 * hash of those numbers, so two of ten million are taken for one with a probability of some millionths.
 *
 * **What is left out**: clocks that differ, times off the grid, loops that stall. The simulator has those.
 *
 * After Holzmann, *An Analysis of Bitstate Hashing* (1998), and Clarke, Grumberg and Peled, *Model Checking* (1999).
 */
import type * as Timing from "../protocol/model/Timing.ts"
import type * as Step from "../protocol/Step.ts"
import * as Agreement from "./Agreement.ts"
import * as Local from "./internal/local.ts"
import * as Visited from "./internal/visited.ts"
import * as Invariants from "./Invariants.ts"

/** How much may happen on one way through the states. */
export interface Bounds {
  readonly crashes: number
  /** Servers that are told to leave; 0 unless set. */
  readonly stops?: number | undefined
  readonly restarts: number
  readonly lost: number
  readonly duplicated: number
  /** Reigns that begin, besides the first. */
  readonly elections: number
  /** How many ms of true time pass, from where it begins. */
  readonly horizon: number
}

/** What the explorer goes by. */
export interface Options {
  readonly servers?: number | undefined
  /** `cold`: all start at once. `settled`: they have, and one leads. */
  readonly from: "cold" | "settled"
  readonly bounds: Bounds
  readonly timing?: Partial<Timing.Timing> | undefined
  /** How long a datagram may be under way, in ms. */
  readonly delay?: number | undefined
  /** Decides in which order ways are gone: it matters only where not all are. */
  readonly seed?: number | undefined
  /** The most states that are visited. */
  readonly states: number
  /** Is told now and then how many states have been visited, and asked whether to stop. */
  readonly enough?: ((states: number) => boolean) | undefined
  /** What servers go by instead of the protocol. */
  readonly transition?: typeof Step.step | undefined
}

/** What was found. `path` tells, from the first state, all that happened on the way to the violation. */
export interface Found {
  readonly states: number
  readonly transitions: number
  /** Distinct states of single servers, and distinct datagrams. */
  readonly servers: number
  readonly datagrams: number
  /** The longest way. */
  readonly depth: number
  /** Whether all that the bounds allow was visited. */
  readonly exhausted: boolean
  /** States in which nothing was under way and nobody was about to do anything, from each of which the group settled. */
  readonly quiescent: number
  /** Where ways ended because of a bound. */
  readonly cut: { readonly horizon: number; readonly elections: number }
  readonly violation: { readonly complaint: Invariants.Complaint; readonly path: ReadonlyArray<string> } | null
}

/** Explores until all is visited, a promise is broken, or it is enough. */
export const explore = (options: Options): Found => new Exploration(options).run()

// internal

/** A state of all: the number of each server's state, none where it is dead; what is under way; what has been used up. */
interface World {
  readonly nodes: ReadonlyArray<number>
  /** Each a datagram's number and how long it may still be under way. In order. */
  readonly flight: ReadonlyArray<number>
  readonly crashes: number
  readonly stops: number
  readonly restarts: number
  readonly lost: number
  readonly duplicated: number
  readonly elections: number
  readonly at: number
}

type Move =
  | { readonly what: "arrives" | "is lost" | "arrives and stays"; readonly index: number }
  | { readonly what: "fires" | "crashes" | "leaves" | "starts"; readonly node: number }

/** A state that has been entered, how, and what is still to be done in it. */
interface Entered {
  readonly world: World
  readonly moves: Array<Move>
  readonly parent: Entered | null
  readonly by: Move | null
  readonly depth: number
}

/** So many states, at most, wait with moves left when one is chosen at random among them. */
const mostOpen = 200_000

const ages = 16

class Exploration {
  readonly #options: Options
  readonly #local: Local.Servers
  readonly #visited: Visited.Visited
  readonly #settling = new Set<number>()
  readonly #delay: number
  readonly #open: Array<Entered> = []
  #now: { readonly entered: Entered; readonly move: Move } | null = null
  #seed: number
  #transitions = 0
  #depth = 0
  #quiescent = 0
  #horizonCut = 0
  #electionsCut = 0
  #violation: Found["violation"] = null

  constructor(options: Options) {
    this.#options = options
    this.#delay = (options.delay ?? 50) / Local.grid
    this.#local = new Local.Servers({
      servers: options.servers ?? 3,
      timing: { ...Local.timing, ...options.timing },
      transition: options.transition
    })
    this.#visited = Visited.make(options.states)
    this.#seed = (options.seed ?? 0) | 0
  }

  run(): Found {
    let exhausted = true
    const first = this.#first()
    if (this.#violation === null) this.#enter(first, null, null)
    for (let count = 1; this.#violation === null; count++) {
      const entered = this.#next(count)
      if (entered === undefined) break
      const move = entered.moves.pop()
      if (move === undefined) continue
      this.#now = { entered, move }
      const next = this.#after(entered.world, move)
      if (this.#violation !== null) break
      if (next.elections > this.#options.bounds.elections) this.#electionsCut += 1
      else this.#enter(next, entered, move)
      if (this.#visited.full() || ((count & 0xff) === 0 && this.#options.enough?.(this.#visited.size()) === true)) {
        exhausted = this.#open.every(({ moves }) => moves.length === 0)
        break
      }
    }
    return {
      states: this.#visited.size(),
      transitions: this.#transitions,
      servers: this.#local.size,
      datagrams: this.#local.datagrams,
      depth: this.#depth,
      exhausted: exhausted && this.#violation === null,
      quiescent: this.#quiescent,
      cut: { horizon: this.#horizonCut, elections: this.#electionsCut },
      violation: this.#violation
    }
  }

  // --- States ---

  #first(): World {
    const local = this.#local
    const fresh: World = {
      nodes: [],
      flight: [],
      crashes: 0,
      stops: 0,
      restarts: 0,
      lost: 0,
      duplicated: 0,
      elections: 0,
      at: 0
    }
    let world = fresh
    for (let node = 0; node < local.servers; node++) {
      world = this.#apply({ ...world, nodes: [...world.nodes, -1] }, node, local.start(node, 1))
    }
    // What was said before others started is lost to them, as it is in life.
    if (this.#options.from === "settled") {
      for (let steps = 0; steps < 5_000 && world.at < 4_000; steps++) world = this.#fair(world) ?? world
      world = { ...world, flight: [] }
    }
    return { ...world, elections: 0, at: 0 }
  }

  /** The state entered last; but now and then an earlier one, so that ways which part early are gone too. */
  #next(count: number): Entered | undefined {
    const open = this.#open
    if ((count & 0xff) === 0 && open.length < mostOpen && open.length > 0) {
      const index = Math.floor((this.#chance() / 4_294_967_296) ** 2 * open.length)
      const [chosen] = open.splice(index, 1)
      if (chosen !== undefined) open.push(chosen)
    }
    while (open.length > 0 && open.at(-1)?.moves.length === 0) open.pop()
    return open.at(-1)
  }

  #enter(world: World, parent: Entered | null, by: Move | null): void {
    if (!this.#visited.add(hash(world, 0x811c9dc5), hash(world, 0x1b873593))) return
    const entered: Entered = { world, moves: this.#moves(world), parent, by, depth: (parent?.depth ?? -1) + 1 }
    this.#open.push(entered)
    if (entered.depth > this.#depth) this.#depth = entered.depth
    if (world.flight.length === 0 && this.#isQuiet(world)) {
      this.#quiescent += 1
      this.#settle(world)
    }
  }

  /** A whole number below 2^32. */
  #chance(): number {
    this.#seed = (this.#seed + 0x9e3779b9) | 0
    let value = Math.imul(this.#seed ^ (this.#seed >>> 16), 0x21f0aaad)
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97)
    return (value ^ (value >>> 15)) >>> 0
  }

  #isQuiet({ nodes }: World): boolean {
    return nodes.every((node) => node < 0 || this.#local.isIdle(node))
  }

  #moves(world: World): Array<Move> {
    const { bounds } = this.#options
    const { flight, nodes } = world
    const moves: Array<Move> = []
    for (let index = 0; index < flight.length; index++) {
      // Of equal ones any will do.
      if (index > 0 && flight[index] === flight[index - 1]) continue
      if (world.lost < bounds.lost) moves.push({ what: "is lost", index })
      if (world.duplicated < bounds.duplicated) moves.push({ what: "arrives and stays", index })
      moves.push({ what: "arrives", index })
    }
    for (let node = 0; node < nodes.length; node++) {
      const isAlive = (nodes[node] as number) >= 0
      if (isAlive && world.crashes < bounds.crashes) moves.push({ what: "crashes", node })
      if (isAlive && world.stops < (bounds.stops ?? 0)) moves.push({ what: "leaves", node })
      if (!isAlive && world.restarts < bounds.restarts) moves.push({ what: "starts", node })
    }
    const due = this.#due(world)
    if (world.at + due > bounds.horizon) this.#horizonCut += 1
    else if (due <= this.#patience(world)) {
      for (let node = 0; node < nodes.length; node++) {
        const id = nodes[node] as number
        if (id >= 0 && this.#local.due(id) === due) moves.push({ what: "fires", node })
      }
    }
    shuffle(moves, () => this.#chance())
    return moves
  }

  /** In how many ms the first timer is due. */
  #due({ nodes }: World): number {
    let due = Infinity
    for (const id of nodes) if (id >= 0) due = Math.min(due, this.#local.due(id))
    return Math.max(0, due)
  }

  /** How many ms may pass before something must arrive. */
  #patience({ flight }: World): number {
    let least = ages
    for (const one of flight) least = Math.min(least, one % ages)
    return flight.length === 0 ? Infinity : least * Local.grid
  }

  // --- Moves ---

  #after(world: World, move: Move): World {
    this.#transitions += 1
    const { flight } = world
    switch (move.what) {
      case "is lost":
        return { ...world, flight: flight.toSpliced(move.index, 1), lost: world.lost + 1 }
      case "arrives":
        return this.#arrive({ ...world, flight: flight.toSpliced(move.index, 1) }, flight[move.index] as number)
      case "arrives and stays":
        return this.#arrive({ ...world, duplicated: world.duplicated + 1 }, flight[move.index] as number)
      case "crashes":
        return this.#gone({ ...world, crashes: world.crashes + 1 }, move.node)
      case "leaves":
        return this.#apply(
          { ...world, stops: world.stops + 1 },
          move.node,
          this.#local.leave(world.nodes[move.node] as number)
        )
      case "starts":
        return this.#apply({ ...world, restarts: world.restarts + 1 }, move.node, this.#local.start(move.node, 2))
      case "fires": {
        const passed = this.#pass(world, this.#due(world))
        return this.#apply(passed, move.node, this.#local.fire(passed.nodes[move.node] as number))
      }
    }
  }

  #gone(world: World, node: number): World {
    const left = world.flight.filter((one) => this.#local.target(Math.floor(one / ages)) !== node)
    return { ...world, nodes: world.nodes.with(node, -1), flight: left }
  }

  #arrive(world: World, one: number): World {
    const datagram = Math.floor(one / ages)
    const node = this.#local.target(datagram)
    const id = world.nodes[node] as number
    return id < 0 ? world : this.#apply(world, node, this.#local.receive(id, datagram))
  }

  #pass(world: World, millis: number): World {
    if (millis === 0) return world
    const steps = Math.round(millis / Local.grid)
    return {
      ...world,
      nodes: world.nodes.map((id) => id < 0 ? id : this.#local.later(id, millis)),
      flight: world.flight.map((one) => one - steps),
      at: world.at + millis
    }
  }

  /** The world after a step of one server. */
  #apply(world: World, node: number, result: Local.Result): World {
    for (const complaint of result.complaints) this.#complain(complaint)
    const nodes = world.nodes.with(node, result.node)
    const sent: Array<number> = []
    for (const datagram of result.sent) {
      if ((world.nodes[this.#local.target(datagram)] ?? -1) >= 0) sent.push(datagram * ages + this.#delay)
      else {
        const refusal = this.#local.refusal(datagram)
        if (refusal !== null) sent.push(refusal * ages + this.#delay)
      }
    }
    const next: World = {
      ...world,
      nodes,
      flight: sent.length === 0 ? world.flight : [...world.flight, ...sent].sort((a, b) => a - b),
      elections: world.elections + result.reigns
    }
    if (this.#local.isLease) {
      const what = Invariants.contest(nodes.map((id) => id < 0 ? null : this.#local.claim(id)))
      if (what !== null) this.#complain({ invariant: "oneLeader", what })
      const unbound = Invariants.unbound(nodes.flatMap((id) => id < 0 ? [] : [this.#local.living(id)]))
      if (unbound !== null) this.#complain({ invariant: "majorityBound", what: unbound })
    }
    return result.node < 0 ? this.#gone(next, node) : next
  }

  // --- The way on without faults ---

  /** What happens next where nothing goes wrong: what is under way longest arrives, or the first timer fires. */
  #fair(world: World): World | null {
    const { flight } = world
    if (flight.length > 0) {
      let oldest = 0
      for (let index = 1; index < flight.length; index++) {
        if ((flight[index] as number) % ages < (flight[oldest] as number) % ages) oldest = index
      }
      return this.#after(world, { what: "arrives", index: oldest })
    }
    const due = this.#due(world)
    const node = world.nodes.findIndex((id) => id >= 0 && this.#local.due(id) === due)
    return node < 0 ? null : this.#after(world, { what: "fires", node })
  }

  /** From here on nothing goes wrong: all who live must agree within the bound. */
  #settle(world: World): void {
    const trail: Array<number> = []
    const until = world.at + this.#local.settlesWithin
    let now: World | null = world
    while (now !== null && this.#violation === null) {
      const states = now.nodes.filter((id) => id >= 0).map((id) => this.#local.state(id))
      const what = Agreement.disagreement(states, (state) => this.#local.clocks(state))
      if (what === null) break
      // Not by its time: the way on from here is the same at any.
      const key = hash({ ...now, at: 0 }, 0x811c9dc5) * 0x20_0000 + (hash({ ...now, at: 0 }, 0x1b873593) >>> 11)
      if (this.#settling.has(key)) break
      trail.push(key)
      if (now.at > until) {
        this.#complain({ invariant: "settles", what: `${what}, ${this.#local.settlesWithin} ms after the last fault` })
        return
      }
      now = this.#fair(now)
    }
    // Close to the bound it matters when one got here; a set of all but the last stretch would be no proof.
    if (trail.length < 400) { for (const key of trail) this.#settling.add(key) }
  }

  #complain(complaint: Invariants.Complaint): void {
    if (this.#violation !== null) return
    const path: Array<string> = []
    if (this.#now !== null) path.push(this.#describe(this.#now.entered.world, this.#now.move))
    let one = this.#now === null ? null : this.#now.entered
    while (one !== null && one.parent !== null && one.by !== null) {
      path.push(this.#describe(one.parent.world, one.by))
      one = one.parent
    }
    this.#violation = { complaint, path: path.toReversed() }
  }

  #describe(world: World, move: Move): string {
    const what = "node" in move
      ? `s${move.node} ${move.what}${
        move.what === "fires" ? ` ${this.#local.next(world.nodes[move.node] as number)}` : ""
      }`
      : `${this.#local.describe(Math.floor((world.flight[move.index] as number) / ages))} ${move.what}`
    return `${String(world.at).padStart(6)}  ${what}`
  }
}

/** Over all numbers of a state, in order. */
const hash = (world: World, seed: number): number => {
  let value = seed
  const mix = (number: number) => {
    value = Math.imul(value ^ (number | 0), 0x01000193)
    value = Math.imul(value ^ (value >>> 15) ^ Math.floor(number / 0x1_0000_0000), 0x2c1b3c6d)
    value ^= value >>> 12
  }
  for (const id of world.nodes) mix(id)
  mix(-2)
  for (const one of world.flight) mix(one)
  mix(-3)
  mix(
    world.crashes + 8 * world.restarts + 64 * world.lost + 512 * world.duplicated + 4_096 * world.elections +
      65_536 * world.stops
  )
  mix(world.at)
  return value >>> 0
}

const shuffle = (all: Array<Move>, chance: () => number): void => {
  for (let index = all.length - 1; index > 0; index--) {
    const other = chance() % (index + 1)
    const one = all[index] as Move
    all[index] = all[other] as Move
    all[other] = one
  }
}
