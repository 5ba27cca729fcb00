/**
 * A table of what was used last, of bounded size. It has two generations: when the younger one is full, the older one is
 * forgotten, and the younger one is the older from then on. What is used moves to the younger one. To keep the exact order of use
 * would cost a deletion and an insertion for each datagram.
 */

/** A table. `V` is never undefined. */
export interface RecentlyUsed<in K, in out V> {
  /** What is kept for a key: that is a use of it. */
  readonly get: (key: K) => V | undefined
  readonly set: (key: K, value: V) => void
}

/**
 * An empty table that remembers all whose weights have a sum below `least` since they were last used, and never more than
 * twice as much. Each weighs 1, unless `weigh` says otherwise.
 */
export const make = <K, V>(least: number, weigh: (value: V) => number = () => 1): RecentlyUsed<K, V> => {
  let young = new Map<K, V>()
  let old = new Map<K, V>()
  let weight = 0
  const set = (key: K, value: V): void => {
    const before = young.get(key)
    weight += weigh(value) - (before === undefined ? 0 : weigh(before))
    young.set(key, value)
    if (weight < least) return
    old = young
    young = new Map()
    weight = 0
  }
  return {
    get: (key) => {
      const recent = young.get(key)
      if (recent !== undefined) return recent
      const before = old.get(key)
      if (before !== undefined) set(key, before)
      return before
    },
    set
  }
}
