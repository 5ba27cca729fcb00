/**
 * How the process ends: 0 when all went well or it was told to stop, 2 for a setting or command line that is refused, 3
 * when nobody answered, 1 when `doctor` found problems, 70 when the server could not go on, 128 and the signal's number for
 * what a signal stopped before its end, else 1.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Output from "./output.ts"
import * as Signals from "./signals.ts"

let stays = false

/** From here on, being told to stop is the usual end. The loss of the terminal is none. */
export const stoppingIsSuccess = Effect.sync(() => {
  stays = true
})

const interrupted = (): number => {
  const signal = Signals.stoppedBy() ?? "SIGINT"
  return stays && signal !== "SIGHUP" ? 0 : Signals.codeOf(signal)
}

/** The exit code of a failure. */
export const codeOf = (error: unknown): number => {
  if (Predicate.isTagged(error, "GroupFailed")) return 70
  if (Predicate.isTagged(error, "ShowHelp")) return Runtime.getErrorExitCode(error) === 0 ? 0 : 2
  return Runtime.getErrorExitCode(error)
}

/** Says in one line why the program ends. What is no error of ours to foresee is shown whole. */
export const explain = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (Predicate.isTagged(error, "ShowHelp") || Predicate.isTagged(error, "ProblemsFound")) return Effect.void
  return Cause.hasDies(cause) || !(error instanceof Error)
    ? Output.report(`bellwether: a defect: ${Cause.pretty(cause)}\n`)
    : Output.complain(error.message)
}

export const teardown: Runtime.Teardown = (exit, onExit) =>
  onExit(
    Exit.isSuccess(exit) ? 0 : Cause.hasInterruptsOnly(exit.cause) ? interrupted() : codeOf(Cause.squash(exit.cause))
  )
