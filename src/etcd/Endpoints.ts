/** Which endpoint is asked next: the same one, until it fails. */

export interface Endpoints {
  readonly count: number
  readonly current: () => string
  /** The next one from now on, unless another request has gone there already. */
  readonly leave: (endpoint: string) => void
}

/** Begins at the endpoint with this index, counted in a circle. */
export const make = (endpoints: ReadonlyArray<string>, first = 0): Endpoints => {
  let at = first % endpoints.length
  return {
    count: endpoints.length,
    current: () => endpoints[at]!,
    leave: (endpoint) => {
      if (endpoints[at] === endpoint) at = (at + 1) % endpoints.length
    }
  }
}
