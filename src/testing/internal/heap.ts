/** A binary heap: the first of many at hand, at a cost that grows with the logarithm of their number. */

/** */
export interface Heap<in out A> {
  readonly size: () => number
  readonly push: (value: A) => void
  readonly peek: () => A | undefined
  readonly pop: () => A | undefined
  /** Keeps only those for which it is true. */
  readonly retain: (predicate: (value: A) => boolean) => void
  readonly clear: () => void
}

/** An empty heap. `isBefore` must be a total order. */
export const make = <A>(isBefore: (self: A, that: A) => boolean): Heap<A> => {
  const values: Array<A> = []

  const siftDown = (start: number) => {
    const value = values[start] as A
    let index = start
    for (;;) {
      let child = 2 * index + 1
      if (child >= values.length) break
      if (child + 1 < values.length && isBefore(values[child + 1] as A, values[child] as A)) child++
      const least = values[child] as A
      if (isBefore(value, least)) break
      values[index] = least
      index = child
    }
    values[index] = value
  }

  return {
    size: () => values.length,
    push: (value) => {
      let index = values.length
      values.push(value)
      while (index > 0) {
        const parent = (index - 1) >> 1
        const above = values[parent] as A
        if (isBefore(above, value)) break
        values[index] = above
        index = parent
      }
      values[index] = value
    },
    peek: () => values[0],
    pop: () => {
      const first = values[0]
      const last = values.pop()
      if (values.length > 0) {
        values[0] = last as A
        siftDown(0)
      }
      return first
    },
    retain: (predicate) => {
      const kept = values.filter(predicate)
      values.length = 0
      for (const value of kept) values.push(value)
      for (let index = (values.length >> 1) - 1; index >= 0; index--) siftDown(index)
    },
    clear: () => {
      values.length = 0
    }
  }
}
