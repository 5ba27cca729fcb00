/**
 * What is due when, in one world: the arrivals of all datagrams and the sleepers of all simulated clocks wait in one
 * list over the ambient `Clock`, so that the order of what happens at one instant is decided here and nowhere else, and
 * so that a datagram costs an entry in a heap and no fiber.
 *
 * The order at one instant: arrivals first, then the readers that they woke, then sleepers; each in the order in which
 * they were entered.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Ambient from "./ambient.ts"
import * as DueList from "./dueList.ts"

/** Its time is in milliseconds since the agenda was made. */
export type Entry = DueList.Entry

/** What happens at one instant, the first first. */
const ranks = { arrival: 0, sleeper: 1 } as const

/** An agenda over the ambient clock. Closing the scope forgets all that is due. */
export const make: Effect.Effect<Agenda, never, Scope.Scope> = Effect.gen(function*() {
  const agenda = new Agenda(yield* Ambient.make)
  yield* Effect.addFinalizer(() => Effect.sync(() => agenda.close()))
  return agenda
})

interface Alarm {
  readonly due: number
  readonly cancel: () => void
}

export class Agenda {
  readonly #ambient: Ambient.Ambient
  readonly #entries = DueList.make()
  readonly #woken: Array<() => void> = []
  // The latest set is the earliest due. An earlier entry gets an alarm of its own, and the one there is left to ring: most
  // entries are cancelled or overtaken, alarms rarely.
  readonly #alarms: Array<Alarm> = []
  #isRunning = false
  #isClosed = false

  constructor(ambient: Ambient.Ambient) {
    this.#ambient = ambient
  }

  /** Milliseconds of ambient time since the agenda was made, exact to a microsecond. */
  readonly now = (): number => Math.round(this.#ambient.elapsed() * 1_000) / 1_000

  /** Runs `run` at `due`, or as soon as possible where that has passed; never within this call. */
  at(due: number, kind: keyof typeof ranks, run: () => void): Entry {
    // On a grid of microseconds, or what is off it would make what comes after it late by a little.
    const entry = this.#entries.add(Math.ceil(due * 1_000 - 0.001) / 1_000, ranks[kind], run)
    if (!this.#isRunning) this.#arm()
    return entry
  }

  cancel(entry: Entry): void {
    this.#entries.cancel(entry)
  }

  /**
   * Runs `run` at this instant, after the arrivals that are due and before the sleepers. Only to be called from what the
   * agenda itself runs.
   */
  afterArrivals(run: () => void): void {
    this.#woken.push(run)
  }

  close(): void {
    this.#isClosed = true
    this.#entries.clear()
    for (const { cancel } of this.#alarms.splice(0)) cancel()
  }

  #arm(): void {
    if (this.#isClosed) return
    const next = this.#entries.first()
    const earliest = this.#alarms.at(-1)
    if (next === undefined || earliest !== undefined && earliest.due <= next.due) return
    const alarm: Alarm = { due: next.due, cancel: this.#ambient.ringAt(next.due, () => this.#ring(alarm)) }
    this.#alarms.push(alarm)
  }

  #ring(alarm: Alarm): void {
    const index = this.#alarms.indexOf(alarm)
    if (index !== -1) this.#alarms.splice(index, 1)
    this.#isRunning = true
    try {
      while (this.#runNext());
    } finally {
      this.#isRunning = false
    }
    this.#arm()
  }

  /** Runs what is next at this instant; whether there was anything. */
  #runNext(): boolean {
    const next = this.#entries.first()
    // A real clock may wake us, and doubles may round, a little early.
    const isDue = next !== undefined && next.due <= this.now() + 0.0005
    if (this.#woken.length > 0 && !(isDue && next.rank === ranks.arrival)) {
      for (const wake of this.#woken.splice(0)) wake()
      return true
    }
    if (isDue) this.#entries.take()?.()
    return isDue
  }
}
