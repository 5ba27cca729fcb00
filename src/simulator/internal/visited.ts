/** A set of states by 64 bits of their hash, in two flat arrays: eight bytes a state. */
export interface Visited {
  /** Whether it was not there. */
  readonly add: (high: number, low: number) => boolean
  readonly size: () => number
  readonly full: () => boolean
}

/** A set for at most so many. */
export const make = (most: number): Visited => {
  // At three quarters full, one finds a place after four looks.
  const slots = 2 ** Math.ceil(Math.log2(Math.max(1_024, most / 0.75)))
  const highs = new Uint32Array(slots)
  const lows = new Uint32Array(slots)
  let size = 0
  return {
    add: (high, low) => {
      // Zeros are an empty place.
      const marked = high === 0 && low === 0 ? 1 : low
      let at = (high ^ Math.imul(marked, 0x9e3779b1)) & (slots - 1)
      while (highs[at] !== 0 || lows[at] !== 0) {
        if (highs[at] === high && lows[at] === marked) return false
        at = (at + 1) & (slots - 1)
      }
      highs[at] = high
      lows[at] = marked
      size += 1
      return true
    },
    size: () => size,
    full: () => size >= most
  }
}
