/**
 * Lines for a reader that may be slow, paused or gone. Nothing waits for the reader: neither the fiber that has
 * something to say nor the end of the process.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Backlog from "./backlog.ts"
import type * as Sink from "./sink.ts"

export interface Lines {
  /** Adds text that is shown whole: a line, or several, with the end of the last. Never waits. */
  readonly add: (text: string) => void
  /** Writes what is added until the scope closes; then the newest for a moment more, which are written last. */
  readonly open: Effect.Effect<void, never, Scope.Scope>
  /** Completes when nothing waits to be written, or when nothing can be written now. */
  readonly flushed: Effect.Effect<void>
  /** Whether nothing waits to be written. */
  readonly isIdle: () => boolean
  /** Completes when the reader has gone away. */
  readonly readerGone: Effect.Effect<void>
}

export interface Options {
  /** How many may wait. */
  readonly capacity: number
  /** The text that stands in place of so many that were lost. */
  readonly lost: (count: number) => string
  /** Hears why nothing can be written, each time. */
  readonly failed?: (error: Sink.OutputClosed) => Effect.Effect<void>
}

/** How long a reader has at the end, for what waits and then again for the last of it. */
const patience = "250 millis"

/** After a failure: a disk may have space again, and a named pipe another reader. */
const pause = "1 second"

const soon = (effect: Effect.Effect<unknown>) => Effect.timeoutOption(Effect.interruptible(effect), patience)

export const make = (sink: Sink.Sink, { capacity, failed = () => Effect.void, lost }: Options): Lines => {
  const backlog = Backlog.make(capacity, Buffer.byteLength(lost(Number.MAX_SAFE_INTEGER)))
  const wanted = Latch.makeUnsafe(false)
  const idle = Latch.makeUnsafe(true)
  const gone = Deferred.makeUnsafe<void>()
  let isFailing = false

  const writeSome = Effect.suspend(() => {
    const batch = backlog.take()
    let isBegun = false
    const text = `${batch.lost > 0 ? lost(batch.lost) : ""}${batch.lines.join("")}`
    return sink.write(text, () => {
      isBegun = true
    }).pipe(Effect.ensuring(Effect.sync(() => {
      if (!isBegun) backlog.giveBack(batch)
    })))
  })

  const pump = Effect.gen(function*() {
    if (backlog.isEmpty()) {
      wanted.closeUnsafe()
      idle.openUnsafe()
      yield* wanted.await
    }
    yield* writeSome
    isFailing = false
  }).pipe(
    Effect.catchTag("OutputClosed", (error) => {
      isFailing = true
      idle.openUnsafe()
      if (error.isGone) Deferred.doneUnsafe(gone, Effect.void)
      return Effect.andThen(failed(error), Effect.sleep(pause))
    }),
    Effect.forever
  )

  const finish = (writing: Fiber.Fiber<unknown>) =>
    Effect.gen(function*() {
      yield* soon(flushed)
      yield* Fiber.interrupt(writing)
      backlog.condense()
      yield* soon(Effect.ignore(writeSome))
    })

  const flushed = Effect.suspend(() => idle.await)
  return {
    add: (text) => {
      backlog.add(text)
      if (!isFailing) idle.closeUnsafe()
      wanted.openUnsafe()
    },
    open: Effect.asVoid(Effect.acquireRelease(Effect.forkDetach(Effect.interruptible(pump)), finish)),
    flushed,
    isIdle: backlog.isEmpty,
    readerGone: Deferred.await(gone)
  }
}
