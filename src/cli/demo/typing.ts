/** The keys of a terminal, one by one, while a display fills it. */
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as EffectTerminal from "effect/Terminal"
import * as Terminal from "../terminal.ts"

const nameOf = ({ input, key }: EffectTerminal.UserInput): string =>
  key.ctrl
    ? `ctrl-${key.name}`
    : key.name === "up" || key.name === "down"
    ? key.name
    : input._tag === "Some"
    ? input.value
    : key.name

const raw = (isRaw: boolean) => {
  // From the background it would stop the process.
  if (process.stdin.isTTY && Terminal.isForeground()) process.stdin.setRawMode(isRaw)
}

/** Another program had the terminal while this one was stopped, and changed it, which Node does not know. */
const again = () => {
  raw(false)
  raw(true)
}

/** Gives the terminal to the shell, as the terminal itself does where it is not asked to pass on keys. */
const stop = Effect.sync(() => {
  raw(false)
  process.kill(process.pid, "SIGTSTP")
})

/** The keys typed, until nobody can type any more. */
export const keys: Effect.Effect<Stream.Stream<string>, never, Scope.Scope> = Effect.gen(function*() {
  const { readInput } = yield* NodeTerminal.make(() => false)
  const inputs = yield* readInput
  yield* Effect.acquireRelease(
    Effect.sync(() => void process.on("SIGCONT", again)),
    () => Effect.sync(() => void process.off("SIGCONT", again))
  )
  process.stdin.on("error", () => {})
  return Stream.fromQueue(inputs).pipe(
    Stream.map(nameOf),
    Stream.mapEffect((key) => key === "ctrl-z" ? Effect.as(stop, "") : Effect.succeed(key))
  )
})
