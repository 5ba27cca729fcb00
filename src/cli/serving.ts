/** `serve`, by whichever backend is asked for. What it does is loaded when that is known. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Backend from "./backend.ts"
import type { Flags } from "./etcd/flags.ts"
import * as Given from "./given.ts"
import type * as Log from "./log.ts"

/** What a command line says of a server. */
export interface Asked {
  readonly flags: Given.Given
  readonly backend: Option.Option<Backend.Backend>
  readonly etcd: Flags
  readonly json: boolean
  readonly logFormat: Log.Format | null
}

export const serving = Effect.fnUntraced(function*({ backend, etcd, flags, json, logFormat }: Asked) {
  if ((yield* Backend.choose(backend, etcd)) === "etcd") {
    const { serve } = yield* Effect.promise(() => import("./etcd/serve.ts"))
    return yield* serve(flags, etcd, { json, logFormat })
  }
  const { settings, token } = yield* Given.resolveToServe(flags)
  const { serve } = yield* Effect.promise(() => import("./lan.ts"))
  return yield* serve(settings, { json, token, logFormat })
})
