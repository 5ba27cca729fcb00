/** Any registry, so that it can be cut off. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import { type Registry, RegistryFailed } from "../../../src/registry/Registry.ts"

/** A registry, and the way to cut it off. */
export interface Cuttable {
  readonly registry: Registry
  /** Nothing comes through from now on, or everything does again. */
  readonly cut: (isCut: boolean) => Effect.Effect<void>
}

/** The same registry, which can be cut off. */
export const make = (registry: Registry): Cuttable => {
  const cut = Latch.makeUnsafe(false)
  let isCut = false
  const unless = <A>(during: RegistryFailed["during"], effect: Effect.Effect<A, RegistryFailed>) => {
    const failed = Effect.fail(new RegistryFailed({ during, kind: "Unreachable", detail: "it is cut off" }))
    const unknown = Effect.fail(new RegistryFailed({ during, kind: "Unknown", detail: "it was cut off" }))
    return Effect.suspend(() => isCut ? failed : Effect.raceFirst(effect, Effect.andThen(cut.await, unknown)))
  }
  const ended = Effect.andThen(
    cut.await,
    Effect.fail(new RegistryFailed({ during: "watch", kind: "Unreachable", detail: "it is cut off" }))
  )
  return {
    registry: {
      watch: Stream.suspend(() => Stream.interruptWhen(registry.watch, ended)),
      commit: (transaction) => unless("commit", registry.commit(transaction)),
      renew: unless("renew", registry.renew),
      close: unless("close", registry.close)
    },
    cut: (cuts) =>
      Effect.sync(() => {
        isCut = cuts
        if (cuts) Latch.openUnsafe(cut)
        else Latch.closeUnsafe(cut)
      })
  }
}
