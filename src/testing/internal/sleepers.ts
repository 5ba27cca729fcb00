/** The fibers that sleep on the clock of one machine, in the order in which they are to wake. */

/** A process that fibers sleep in. */
export interface Owner {
  state: "alive" | "killed" | "hurried"
  /** What sleeps in a killed process: it wakes only to end. */
  readonly held: Array<Sleeper>
}

export interface Sleeper {
  /** On the monotonic clock of the machine. */
  until: number
  readonly owner: Owner
  readonly resume: () => void
}

export interface Sleepers {
  readonly size: () => number
  readonly first: () => Sleeper | undefined
  /** Takes the first one from the list. */
  readonly take: () => Sleeper | undefined
  /** Whether it is the first now. */
  readonly add: (sleeper: Sleeper) => boolean
  /** Whether it was the first. */
  readonly remove: (sleeper: Sleeper) => boolean
  /** Takes all of one process from the list, in the order in which they would have woken. */
  readonly takeOf: (owner: Owner) => ReadonlyArray<Sleeper>
  /** All wake so much earlier by the machine's clock. */
  readonly setBack: (by: number) => void
}

export const make = (): Sleepers => {
  // From the last to the first; equals in the order in which they went to sleep.
  let all: Array<Sleeper> = []
  return {
    size: () => all.length,
    first: () => all.at(-1),
    take: () => all.pop(),
    add: (sleeper) => {
      const index = all.length - countBefore(all, sleeper.until)
      all.splice(index, 0, sleeper)
      return index === all.length - 1
    },
    remove: (sleeper) => {
      const index = all.indexOf(sleeper)
      if (index === -1) return false
      all.splice(index, 1)
      return index === all.length
    },
    takeOf: (owner) => {
      const taken = all.filter((sleeper) => sleeper.owner === owner)
      all = all.filter((sleeper) => sleeper.owner !== owner)
      return taken.toReversed()
    },
    setBack: (by) => {
      for (const sleeper of all) sleeper.until -= by
    }
  }
}

// internal

/** How many wake before one that went to sleep last and is to wake then. */
const countBefore = (all: ReadonlyArray<Sleeper>, until: number): number => {
  let low = 0
  let high = all.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((all[middle] as Sleeper).until > until) low = middle + 1
    else high = middle
  }
  return all.length - low
}
