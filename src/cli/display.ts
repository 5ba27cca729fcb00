/**
 * A display that fills a terminal, on its second screen. What has changed is written as the terminal takes it; nothing
 * waits for a terminal that is not read, and it is given back however the process ends.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Frame from "./frame.ts"
import * as Output from "./output.ts"
import * as Surface from "./surface.ts"
import * as Terminal from "./terminal.ts"

/** What a display shows. */
export interface Content {
  /** What it shows now. */
  readonly frame: Effect.Effect<Frame.Frame>
  /** The lines that stay on the terminal at the end. */
  readonly remains: () => ReadonlyArray<string>
  /** Gives back what else of the terminal is taken, before the job is stopped. */
  readonly released?: () => void
}

export interface Display {
  /** Something has changed. It is drawn soon, together with what else changes meanwhile. */
  readonly redraw: () => void
  /** Draws until the scope closes, and at least once a second: what is shown has an age. */
  readonly open: Effect.Effect<void, never, Scope.Scope>
  /** Runs with the terminal guarded: it is not left without its cursor, however the process ends. */
  readonly guarded: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

const shortestFrame = "40 millis"
const longestFrame = "1 second"

/** Other programs write on a terminal too, such as `wall`: so often all of it is drawn anew. */
const wholeFrame = "10 seconds"

/** Until the scope closes: runs when the terminal gets another size. */
const onResize = (resized: () => void) =>
  Effect.acquireRelease(
    Effect.sync(() => void process.stdout.on("resize", resized)),
    () => Effect.sync(() => void process.stdout.off("resize", resized))
  )

export const make = ({ frame, released = () => {}, remains }: Content): Effect.Effect<Display> =>
  Effect.map(Queue.sliding<void>(1), (wake) => {
    const redraw = () => void Queue.offerUnsafe(wake, undefined)
    const { close, forget, restore, resume, show } = Surface.make(Output.standard)
    const draw = Effect.suspend(() => Terminal.isForeground() ? Effect.flatMap(frame, show) : Effect.void)
    const afterwards = (first: () => void) => () => {
      first()
      redraw()
    }
    const drawing = Effect.forever(
      Queue.take(wake).pipe(
        // A terminal that is gone shows nothing: all else goes on.
        Effect.andThen(Effect.ignore(draw)),
        Effect.andThen(Effect.sleep(shortestFrame))
      )
    )
    const every = (pause: typeof longestFrame | typeof wholeFrame, run: () => void) =>
      Effect.forkScoped(Effect.repeat(Effect.sync(run), Schedule.spaced(pause)))
    return {
      redraw,
      open: Effect.gen(function*() {
        yield* Effect.addFinalizer(() => Effect.suspend(() => close(remains())))
        yield* onResize(afterwards(forget))
        yield* Terminal.aroundStop(() => {
          restore()
          released()
        }, afterwards(resume))
        yield* every(longestFrame, redraw)
        yield* every(wholeFrame, forget)
        yield* Effect.forkScoped(drawing)
      }),
      guarded: (effect) =>
        Effect.acquireUseRelease(
          Effect.sync(() => void process.on("exit", restore)),
          () => effect,
          () => Effect.sync(() => void process.off("exit", restore))
        )
    }
  })
