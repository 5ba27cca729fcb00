/** The keys of a demo that has no display: from a terminal, or from a pipe, in which each character is a key. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Keyboard from "../keyboard.ts"

/** Reads keys until the scope closes. Where nobody can type any more, nothing else changes. */
export const read = (pressed: (key: string) => void): Effect.Effect<void, never, Scope.Scope | Stdio.Stdio> =>
  Effect.suspend(() => process.stdin.isTTY ? Effect.asVoid(Keyboard.make(pressed)) : piped(pressed))

const piped = Effect.fnUntraced(function*(pressed: (key: string) => void) {
  const { stdin } = yield* Stdio.Stdio
  // An open pipe would keep the process going after the demo.
  yield* Effect.addFinalizer(() => Effect.sync(() => void process.stdin.destroy()))
  yield* stdin.pipe(
    Stream.decodeText,
    Stream.runForEach((text) =>
      Effect.sync(() => {
        for (const key of text) pressed(key)
      })
    ),
    Effect.ignore,
    Effect.forkScoped
  )
})
