/** Work within a span. */
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/** What a span says besides its name. */
interface Options {
  readonly root?: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Not by `Effect.withSpan`, which puts a frame of its own into the cause that the work fails with: that is the app's to read. */
export const within = <A, E, R>(work: Effect.Effect<A, E, R>, name: string, options: Options) =>
  Effect.useSpan(name, options, (span) => Effect.provideService(work, Tracer.ParentSpan, span))
