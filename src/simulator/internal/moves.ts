/** What can happen to all in one state, and the state that comes of it. */
import type * as Invariants from "../Invariants.ts"
import * as LeaseInvariants from "../LeaseInvariants.ts"
import * as Global from "./globalState.ts"
import type { GlobalState } from "./globalState.ts"
import * as Grid from "./grid.ts"
import type { Result, ServerStates } from "./serverStates.ts"

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

/** One thing that happens. */
export type Move =
  | { readonly what: "arrives" | "is lost" | "arrives and stays"; readonly index: number }
  | { readonly what: "fires" | "crashes" | "leaves" | "starts"; readonly server: number }

/** The moves of one exploration. It complains about what a step does wrong. */
export class Moves {
  readonly #servers: ServerStates
  readonly #bounds: Bounds
  /** For how many steps of the grid a datagram may be under way. */
  readonly #delay: number
  readonly #complain: (complaint: Invariants.Complaint) => void

  constructor({ bounds, complain, delay, servers }: {
    readonly servers: ServerStates
    readonly bounds: Bounds
    readonly delay: number
    readonly complain: (complaint: Invariants.Complaint) => void
  }) {
    this.#servers = servers
    this.#bounds = bounds
    this.#delay = delay / Grid.step
    this.#complain = complain
  }

  /** What can happen, but for what is due: datagrams, and what happens to servers. */
  faultsAndArrivals(state: GlobalState): Array<Move> {
    const bounds = this.#bounds
    const { flight, servers } = state
    const moves: Array<Move> = []
    for (let index = 0; index < flight.length; index++) {
      // Of equal ones any will do.
      if (index > 0 && flight[index] === flight[index - 1]) continue
      if (state.lost < bounds.lost) moves.push({ what: "is lost", index })
      if (state.duplicated < bounds.duplicated) moves.push({ what: "arrives and stays", index })
      moves.push({ what: "arrives", index })
    }
    for (let server = 0; server < servers.length; server++) {
      const isAlive = (servers[server] as number) >= 0
      if (isAlive && state.crashes < bounds.crashes) moves.push({ what: "crashes", server })
      if (isAlive && state.stops < (bounds.stops ?? 0)) moves.push({ what: "leaves", server })
      if (!isAlive && state.restarts < bounds.restarts) moves.push({ what: "starts", server })
    }
    return moves
  }

  /** The steps of which any may be the next that is due; null where that lies beyond the horizon. */
  due(state: GlobalState): ReadonlyArray<Move> | null {
    const due = this.#due(state)
    if (state.at + due > this.#bounds.horizon) return null
    if (due > patience(state)) return []
    return state.servers.flatMap((id, server): ReadonlyArray<Move> =>
      id >= 0 && this.#servers.due(id) === due ? [{ what: "fires", server }] : []
    )
  }

  /** In how many ms the first timer is due. */
  #due({ servers }: GlobalState): number {
    let due = Infinity
    for (const id of servers) if (id >= 0) due = Math.min(due, this.#servers.due(id))
    return Math.max(0, due)
  }

  after(state: GlobalState, move: Move): GlobalState {
    const { flight } = state
    switch (move.what) {
      case "is lost":
        return { ...state, flight: flight.toSpliced(move.index, 1), lost: state.lost + 1 }
      case "arrives":
        return this.#arrive({ ...state, flight: flight.toSpliced(move.index, 1) }, flight[move.index] as number)
      case "arrives and stays":
        return this.#arrive({ ...state, duplicated: state.duplicated + 1 }, flight[move.index] as number)
      case "crashes":
        return this.#gone({ ...state, crashes: state.crashes + 1 }, move.server)
      case "leaves":
        return this.apply(
          { ...state, stops: state.stops + 1 },
          move.server,
          this.#servers.leave(state.servers[move.server] as number)
        )
      case "starts":
        return this.apply({ ...state, restarts: state.restarts + 1 }, move.server, this.#servers.start(move.server, 2))
      case "fires": {
        const passed = this.#pass(state, this.#due(state))
        return this.apply(passed, move.server, this.#servers.fire(passed.servers[move.server] as number))
      }
    }
  }

  #gone(state: GlobalState, server: number): GlobalState {
    const left = state.flight.filter((one) => this.#target(Global.datagramOf(one)) !== server)
    return { ...state, servers: state.servers.with(server, -1), flight: left }
  }

  #arrive(state: GlobalState, one: number): GlobalState {
    const datagram = Global.datagramOf(one)
    const server = this.#target(datagram)
    const id = state.servers[server] as number
    return id < 0 ? state : this.apply(state, server, this.#servers.receive(id, datagram))
  }

  #pass(state: GlobalState, millis: number): GlobalState {
    if (millis === 0) return state
    const steps = Math.round(millis / Grid.step)
    return {
      ...state,
      servers: state.servers.map((id) => id < 0 ? id : this.#servers.later(id, millis)),
      flight: state.flight.map((one) => one - steps),
      at: state.at + millis
    }
  }

  /** The state after a step of one server. */
  apply(state: GlobalState, server: number, result: Result): GlobalState {
    for (const complaint of result.complaints) this.#complain(complaint)
    const servers = state.servers.with(server, result.node)
    const sent: Array<number> = []
    for (const datagram of result.sent) {
      if ((state.servers[this.#target(datagram)] ?? -1) >= 0) sent.push(Global.underWay(datagram, this.#delay))
      else {
        const refusal = this.#servers.datagrams.refusal(datagram)
        if (refusal !== null) sent.push(Global.underWay(refusal, this.#delay))
      }
    }
    const next: GlobalState = {
      ...state,
      servers,
      flight: sent.length === 0 ? state.flight : [...state.flight, ...sent].sort((a, b) => a - b),
      elections: state.elections + result.reigns
    }
    if (this.#servers.isLease) {
      const what = LeaseInvariants.contest(servers.map((id) => id < 0 ? null : this.#servers.claim(id)))
      if (what !== null) this.#complain({ invariant: "oneLeader", what })
      const unbound = LeaseInvariants.unbound(servers.flatMap((id) => id < 0 ? [] : [this.#servers.living(id)]))
      if (unbound !== null) this.#complain({ invariant: "majorityBound", what: unbound })
    }
    return result.node < 0 ? this.#gone(next, server) : next
  }

  /** What happens next where nothing goes wrong: what is under way longest arrives, or the first timer fires. */
  fair(state: GlobalState): Move | null {
    const { flight } = state
    if (flight.length > 0) {
      let oldest = 0
      for (let index = 1; index < flight.length; index++) {
        if (Global.leftOf(flight[index] as number) < Global.leftOf(flight[oldest] as number)) oldest = index
      }
      return { what: "arrives", index: oldest }
    }
    const due = this.#due(state)
    const server = state.servers.findIndex((id) => id >= 0 && this.#servers.due(id) === due)
    return server < 0 ? null : { what: "fires", server }
  }

  describe(state: GlobalState, move: Move): string {
    const servers = this.#servers
    const what = "server" in move
      ? `s${move.server} ${move.what}${
        move.what === "fires" ? ` ${servers.next(state.servers[move.server] as number)}` : ""
      }`
      : `${servers.datagrams.describe(Global.datagramOf(state.flight[move.index] as number))} ${move.what}`
    return `${String(state.at).padStart(6)}  ${what}`
  }

  #target(datagram: number): number {
    return this.#servers.datagrams.at(datagram).to
  }
}

/** How many ms may pass before something must arrive. */
const patience = ({ flight }: GlobalState): number => {
  let least = Infinity
  for (const one of flight) least = Math.min(least, Global.leftOf(one))
  return least * Grid.step
}
