/**
 * Where text goes that may not be taken at once: it is written as the reader reads, and whole. What was begun is completed
 * before anything else is written.
 */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Util from "node:util"

/** It cannot be written to. `code` is the system's. */
export class OutputClosed extends Schema.TaggedError<OutputClosed>()("OutputClosed", { code: Schema.String }) {
  override readonly [Runtime.errorReported] = false
  /** The reader went away, as `head` does when it has seen enough: no fault of anyone's. */
  get isGone() {
    return ["EPIPE", "EIO", "ECONNRESET"].includes(this.code)
  }
  override get message() {
    const [, says] = [...Util.getSystemErrorMap().values()].find(([name]) => name === this.code) ?? []
    return `standard output cannot be written (${this.code}${says === undefined ? "" : `: ${says}`})`
  }
}

export interface Sink {
  /**
   * Completes when the system has taken all of it. Calls `begun` where it took some, also if it fails or is interrupted:
   * then the rest goes before what is written next.
   */
  readonly write: (text: string, begun?: () => void) => Effect.Effect<void, OutputClosed>
  /** Forgets the rest of what was begun. */
  readonly abandon: () => void
  /** Writes as much as is taken at once, when nothing can be waited for. */
  readonly attempt: (text: string) => void
}

/** The waits between two attempts, in milliseconds: short for a reader that reads, long for one that does not. */
const shortest = 1
const longest = 64

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error)

const nothing: Uint8Array = new Uint8Array()

/** `put` writes what is taken at once and returns how many bytes that is. It throws `EAGAIN` where nothing is taken now. */
export const make = (put: (bytes: Uint8Array) => number): Sink => {
  const inTurn = Semaphore.makeUnsafe(1)
  let rest = nothing
  /** Puts the rest as far as it is taken. */
  const advance = (): OutputClosed | undefined => {
    try {
      while (rest.length > 0) rest = rest.subarray(put(rest))
    } catch (error) {
      const code = codeOf(error)
      if (code !== "EAGAIN") return new OutputClosed({ code })
    }
    return undefined
  }
  const complete = Effect.gen(function*() {
    let wait = shortest
    while (true) {
      const before = rest.length
      const failure = advance()
      if (failure !== undefined) return yield* failure
      if (rest.length === 0) return
      wait = rest.length < before ? shortest : Math.min(longest, wait * 2)
      yield* Effect.sleep(wait)
    }
  })
  return {
    write: (text, begun = () => {}) =>
      complete.pipe(
        Effect.andThen(Effect.suspend(() => {
          const bytes = Buffer.from(text)
          rest = bytes
          return Effect.ensuring(
            complete,
            Effect.sync(() => {
              if (rest.length < bytes.length || bytes.length === 0) begun()
              else rest = nothing
            })
          )
        })),
        inTurn.withPermits(1)
      ),
    abandon: () => {
      rest = nothing
    },
    attempt: (text) => {
      rest = Buffer.concat([rest, Buffer.from(text)])
      advance()
    }
  }
}
