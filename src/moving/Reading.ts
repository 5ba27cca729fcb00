/** Reading what one of two backends tells, for as long as the server runs. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Supervisor from "../engine/Supervisor.ts"

/** A loop that does something with each. A stream that ends, as that of a server that has left, is nothing to begin anew for. */
export const keepReading = <A>(
  supervisor: Pick<Supervisor.Supervisor, "keep">,
  fiber: string,
  stream: Stream.Stream<A>,
  read: (one: A) => Effect.Effect<void>
): Effect.Effect<void, never, Scope.Scope> =>
  supervisor.keep(fiber, Effect.andThen(Stream.runForEach(stream, read), Effect.never))
