/**
 * What the system says of its network interfaces, as a service, so that a test can say something else; `NodeInterfaces` asks the
 * system.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { SystemInterface } from "./SystemInterface.ts"

/**
 * What the system has. Both are asked again and again while a server runs, since networks come and go, and neither
 * fails: what cannot be found out is none.
 *
 * @category services
 * @since 0.1.0
 */
export class Interfaces extends Context.Service<Interfaces, {
  /** The addresses of all interfaces that are up, in the order of the system. */
  readonly scan: Effect.Effect<ReadonlyArray<SystemInterface>>
  /** The name of the interface that the default route goes out of, where there is one and the system tells. */
  readonly defaultRoute: Effect.Effect<Option.Option<string>>
}>()("bellwether/transport/Interfaces") {}
