/** Asks a registry, and makes an input of what comes of it: also where it hangs, or throws. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Registry, RegistryFailed } from "./Registry.ts"
import type * as RegistryState from "./RegistryState.ts"

/** Why something failed; null where it did not. Of what was not to happen it is not known what came of it. */
export const failureIn = <A>(
  exit: Exit.Exit<A, RegistryFailed>,
  during: RegistryFailed["during"]
): RegistryFailed | null => {
  if (Exit.isSuccess(exit)) return null
  const failure = Cause.squash(exit.cause)
  return failure instanceof RegistryFailed
    ? failure
    : new RegistryFailed({ during, kind: "Unknown", detail: Cause.pretty(exit.cause).split("\n")[0] ?? "" })
}

/** The calls of one server. */
export interface Calls {
  readonly renew: (number: number) => Effect.Effect<RegistryState.Input>
  readonly commit: (
    output: Extract<RegistryState.Output, { readonly _tag: "Commit" }>
  ) => Effect.Effect<RegistryState.Input>
}

/** Makes the calls, each within a bounded time. */
export const make = (registry: Registry, atMost: Duration.Duration): Calls => {
  const asked = <A>(during: RegistryFailed["during"], effect: Effect.Effect<A, RegistryFailed>) => {
    const late = () => Effect.fail(new RegistryFailed({ during, kind: "Unknown", detail: "no answer in time" }))
    return Effect.map(
      Effect.exit(Effect.timeoutOrElse(effect, { duration: atMost, orElse: late })),
      (exit): { readonly value: A } | { readonly failure: RegistryFailed } =>
        Exit.isSuccess(exit) ? { value: exit.value } : { failure: failureIn(exit, during)! }
    )
  }
  return {
    renew: (number) =>
      Effect.map(asked("renew", registry.renew), (came): RegistryState.Input =>
        "value" in came
          ? { _tag: "Renewed", number, session: came.value.session, ttl: came.value.ttl }
          : { _tag: "RenewFailed", number, kind: came.failure.kind, detail: came.failure.detail }),
    commit: ({ id, transaction }) =>
      Effect.map(asked("commit", registry.commit(transaction)), (came): RegistryState.Input =>
        "value" in came
          ? { _tag: "Committed", id, outcome: came.value }
          : { _tag: "Committed", id, outcome: came.failure.kind, detail: came.failure.detail })
  }
}

/** Half of the time of a session: so nothing waits for what hangs for as long as a session may last. */
export const atMost = (leaseDuration: Duration.Duration): Duration.Duration => Duration.times(leaseDuration, 0.5)
