/** A state of all servers and of the network, as the explorer visits it: a few numbers. */
export interface GlobalState {
  /** The number of each server's state; -1 where it is dead. */
  readonly servers: ReadonlyArray<number>
  /** What is under way: each a datagram's number and how long it may still be so. In order. */
  readonly flight: ReadonlyArray<number>
  readonly crashes: number
  readonly stops: number
  readonly restarts: number
  readonly lost: number
  readonly duplicated: number
  readonly elections: number
  readonly at: number
}

/** Nobody has started. */
export const empty: GlobalState = {
  servers: [],
  flight: [],
  crashes: 0,
  stops: 0,
  restarts: 0,
  lost: 0,
  duplicated: 0,
  elections: 0,
  at: 0
}

const ages = 16

/** One datagram under way, that may be so for that many steps of the grid. */
export const underWay = (datagram: number, steps: number): number => datagram * ages + steps

export const datagramOf = (one: number): number => Math.floor(one / ages)

/** For how many steps of the grid it may still be under way. */
export const leftOf = (one: number): number => one % ages

/** Two hashes of 32 bits, over all numbers of a state, in order. */
export const hashes = (state: GlobalState): readonly [high: number, low: number] => [
  hash(state, 0x811c9dc5),
  hash(state, 0x1b873593)
]

const hash = (state: GlobalState, seed: number): number => {
  let value = seed
  const mix = (number: number) => {
    value = Math.imul(value ^ (number | 0), 0x01000193)
    value = Math.imul(value ^ (value >>> 15) ^ Math.floor(number / 0x1_0000_0000), 0x2c1b3c6d)
    value ^= value >>> 12
  }
  for (const id of state.servers) mix(id)
  mix(-2)
  for (const one of state.flight) mix(one)
  mix(-3)
  mix(
    state.crashes + 8 * state.restarts + 64 * state.lost + 512 * state.duplicated + 4_096 * state.elections +
      65_536 * state.stops
  )
  mix(state.at)
  return value >>> 0
}
