/** What happens to the servers of a run, and until when: pauses, links that lose, addresses that others do not know yet. */

interface Pause {
  readonly from: number
  readonly until: number
}

const none: Pause = { from: 0, until: 0 }

/** Servers are known by their numbers; times are ms of true time since the start. */
export class Hardships {
  /** The last pause of each, or the one that it is in: that ends at Infinity. */
  readonly #pauses = new Map<number, Pause>()
  readonly #multicastBadUntil = new Map<string, number>()
  readonly #unicastBadUntil = new Map<string, number>()
  readonly #astrayUntil = new Map<number, number>()

  /**
   * A server's process is paused, for one reason or another, until it is resumed. That may be later than its story says: another that
   * is stopped takes its time first.
   */
  paused(index: number, from: number): void {
    this.#pauses.set(index, { from, until: Infinity })
  }

  /** It runs again. */
  resumed(index: number, at: number): void {
    const pause = this.#pauses.get(index)
    if (pause !== undefined) this.#pauses.set(index, { from: pause.from, until: at })
  }

  /** What goes from one to the other may be lost or late until then: all of it, or multicasts only. */
  bad(from: number, to: number, until: number, what: "all" | "multicasts"): void {
    const key = `${from} ${to}`
    const kinds = what === "all" ? [this.#multicastBadUntil, this.#unicastBadUntil] : [this.#multicastBadUntil]
    for (const kind of kinds) kind.set(key, Math.max(until, kind.get(key) ?? 0))
  }

  /** A server may be elsewhere than it believes, or others do, until then. */
  astray(index: number, until: number): void {
    this.#astrayUntil.set(index, until)
  }

  /** A server has no process any more. */
  ended(index: number): void {
    this.#pauses.delete(index)
    this.#astrayUntil.delete(index)
  }

  pauseOf(index: number): Pause {
    return this.#pauses.get(index) ?? none
  }

  /** Whether a server was paused at that time or since. */
  wasPaused(index: number, since: number): boolean {
    return (this.#pauses.get(index)?.until ?? -Infinity) >= since
  }

  /** Whether a server has run since before that time. */
  isRunning(index: number, since: number): boolean {
    return this.pauseOf(index).until < since
  }

  /** Whether a server was ever astray. */
  isAstray(index: number): boolean {
    return this.#astrayUntil.has(index)
  }

  /** Whether a server has been where all take it to be since before that time. */
  isFound(index: number, since: number): boolean {
    return (this.#astrayUntil.get(index) ?? 0) < since
  }

  /** Whether all that one sends has reached the other since before that time; by unicast only, what is unicast. */
  reaches(from: number, to: number, since: number, by: "multicast" | "unicast"): boolean {
    const badUntil = by === "multicast" ? this.#multicastBadUntil : this.#unicastBadUntil
    return (badUntil.get(`${from} ${to}`) ?? 0) < since
  }
}
