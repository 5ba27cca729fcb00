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
 * **What is left out**: clocks that differ, times off the grid, processes that are paused. The simulator has those.
 *
 * After Holzmann, *An Analysis of Bitstate Hashing* (1998), and Clarke, Grumberg and Peled, *Model Checking* (1999).
 */
import type * as Timing from "../protocol/model/Timing.ts"
import type * as Step from "../protocol/Step.ts"
import * as Agreement from "./Agreement.ts"
import * as Global from "./internal/globalState.ts"
import type { GlobalState } from "./internal/globalState.ts"
import * as Grid from "./internal/grid.ts"
import { type Bounds, type Move, Moves } from "./internal/moves.ts"
import { ServerStates } from "./internal/serverStates.ts"
import * as Visited from "./internal/visited.ts"
import type * as Invariants from "./Invariants.ts"

export type { Bounds } from "./internal/moves.ts"

/** What the explorer goes by. */
export interface Options {
  readonly servers?: number | undefined
  /** How many of them have a vote, where there are leases: the first ones. All, unless set. */
  readonly voters?: number | undefined
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

/** A state that has been entered, how, and what is still to be done in it. */
interface Entered {
  readonly state: GlobalState
  readonly moves: Array<Move>
  readonly parent: Entered | null
  readonly by: Move | null
  readonly depth: number
}

/** So many states, at most, wait with moves left when one is chosen at random among them. */
const mostOpen = 200_000

class Exploration {
  readonly #options: Options
  readonly #servers: ServerStates
  readonly #moves: Moves
  readonly #visited: Visited.Visited
  readonly #settling = new Set<number>()
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
    const { bounds, delay = 50, seed = 0, servers = 3, states, timing, transition, voters } = options
    this.#options = options
    this.#servers = new ServerStates({ servers, timing: { ...Grid.timing, ...timing }, transition, voters })
    this.#moves = new Moves({
      servers: this.#servers,
      bounds,
      delay,
      complain: (complaint) => this.#complain(complaint)
    })
    this.#visited = Visited.make(states)
    this.#seed = seed | 0
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
      const next = this.#after(entered.state, move)
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
      servers: this.#servers.size,
      datagrams: this.#servers.datagrams.size,
      depth: this.#depth,
      exhausted: exhausted && this.#violation === null,
      quiescent: this.#quiescent,
      cut: { horizon: this.#horizonCut, elections: this.#electionsCut },
      violation: this.#violation
    }
  }

  // --- States ---

  #first(): GlobalState {
    const servers = this.#servers
    let state = Global.empty
    for (let server = 0; server < servers.count; server++) {
      state = this.#moves.apply({ ...state, servers: [...state.servers, -1] }, server, servers.start(server, 1))
    }
    // What was said before others started is lost to them, as it is in life.
    if (this.#options.from === "settled") {
      for (let steps = 0; steps < 5_000 && state.at < 4_000; steps++) state = this.#fair(state) ?? state
      state = { ...state, flight: [] }
    }
    return { ...state, elections: 0, at: 0 }
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

  #enter(state: GlobalState, parent: Entered | null, by: Move | null): void {
    if (!this.#visited.add(...Global.hashes(state))) return
    const entered: Entered = { state, moves: this.#movesIn(state), parent, by, depth: (parent?.depth ?? -1) + 1 }
    this.#open.push(entered)
    if (entered.depth > this.#depth) this.#depth = entered.depth
    if (state.flight.length === 0 && this.#isQuiet(state)) {
      this.#quiescent += 1
      this.#settle(state)
    }
  }

  /** A whole number below 2^32. */
  #chance(): number {
    this.#seed = (this.#seed + 0x9e3779b9) | 0
    let value = Math.imul(this.#seed ^ (this.#seed >>> 16), 0x21f0aaad)
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97)
    return (value ^ (value >>> 15)) >>> 0
  }

  #isQuiet({ servers }: GlobalState): boolean {
    return servers.every((id) => id < 0 || this.#servers.isIdle(id))
  }

  #movesIn(state: GlobalState): Array<Move> {
    const due = this.#moves.due(state)
    if (due === null) this.#horizonCut += 1
    const moves = [...this.#moves.faultsAndArrivals(state), ...due ?? []]
    shuffle(moves, () => this.#chance())
    return moves
  }

  #after(state: GlobalState, move: Move): GlobalState {
    this.#transitions += 1
    return this.#moves.after(state, move)
  }

  /** What happens next where nothing goes wrong. */
  #fair(state: GlobalState): GlobalState | null {
    const move = this.#moves.fair(state)
    return move === null ? null : this.#after(state, move)
  }

  /** From here on nothing goes wrong: all who live must agree within the bound. */
  #settle(state: GlobalState): void {
    const trail: Array<number> = []
    const until = state.at + this.#servers.settlesWithin
    let now: GlobalState | null = state
    while (now !== null && this.#violation === null) {
      const states = now.servers.filter((id) => id >= 0).map((id) => this.#servers.state(id))
      const what = Agreement.disagreement(states, (state) => this.#servers.clocks(state))
      if (what === null) break
      // Not by its time: the way on from here is the same at any.
      const [high, low] = Global.hashes({ ...now, at: 0 })
      const key = high * 0x20_0000 + (low >>> 11)
      if (this.#settling.has(key)) break
      trail.push(key)
      if (now.at > until) {
        this.#complain({
          invariant: "settles",
          what: `${what}, ${this.#servers.settlesWithin} ms after the last fault`
        })
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
    if (this.#now !== null) path.push(this.#moves.describe(this.#now.entered.state, this.#now.move))
    let one = this.#now === null ? null : this.#now.entered
    while (one !== null && one.parent !== null && one.by !== null) {
      path.push(this.#moves.describe(one.parent.state, one.by))
      one = one.parent
    }
    this.#violation = { complaint, path: path.toReversed() }
  }
}

const shuffle = (all: Array<Move>, chance: () => number): void => {
  for (let index = all.length - 1; index > 0; index--) {
    const other = chance() % (index + 1)
    const one = all[index] as Move
    all[index] = all[other] as Move
    all[other] = one
  }
}
