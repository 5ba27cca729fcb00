/** A reader as the system shows it to a writer: it takes a part, or refuses. */

interface State {
  /** How many bytes it takes from now on. */
  credit: number
  /** With which code it refuses more. */
  refusal: string
  /** How often it was asked. */
  asked: number
}

/** Takes `atOnce` bytes at once at most. */
export const reader = (
  options: { readonly atOnce?: number; readonly credit?: number; readonly refusal?: string } = {}
) => {
  const state: State = { credit: options.credit ?? Infinity, refusal: options.refusal ?? "EAGAIN", asked: 0 }
  const taken: Array<Buffer> = []
  return {
    state,
    put: (bytes: Uint8Array): number => {
      state.asked += 1
      const count = Math.min(bytes.length, options.atOnce ?? Infinity, state.credit)
      if (count === 0) throw Object.assign(new Error(state.refusal), { code: state.refusal })
      state.credit -= count
      taken.push(Buffer.from(bytes.subarray(0, count)))
      return count
    },
    read: (): string => Buffer.concat(taken).toString("utf8")
  }
}
