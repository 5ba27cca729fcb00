/** The system's network, as a service, so that a test can provide another; `NodeInterfaces` asks the system. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DatagramsFailed } from "../Datagrams.ts"
import type { Network } from "../Networks.ts"
import type { SystemInterface } from "./SystemInterface.ts"

/** A network that a device reaches without a router, though no address of the device need be on it. */
export interface LinkRoute {
  readonly device: string
  readonly network: Network
}

/** All that the system says at one time. */
export interface System {
  /** The addresses of all interfaces that are up, in the order of the system. */
  readonly addresses: ReadonlyArray<SystemInterface>
  /** Of all devices; none where the system does not tell. */
  readonly linkRoutes: ReadonlyArray<LinkRoute>
  /** The name of the interface that the default route goes out of, where there is one and the system tells. */
  readonly defaultRoute: Option.Option<string>
  /** The system's refusal, if this was found out in another way and may be incomplete. */
  readonly refusal?: DatagramsFailed | undefined
}

/** A system with these addresses, of whose routes nothing is known. */
export const systemOf = (
  addresses: ReadonlyArray<SystemInterface>,
  more: Partial<Omit<System, "addresses">> = {}
): System => ({ addresses, linkRoutes: [], defaultRoute: Option.none(), ...more })

/**
 * Asks the system, again and again while a server runs, since networks come and go. Fails where the system does not answer,
 * as it does where the process has no descriptor left: then nothing is known, which is not the same as nothing being there.
 */
export class Interfaces extends Context.Service<Interfaces, {
  readonly scan: Effect.Effect<System, DatagramsFailed>
}>()("bellwether/transport/Interfaces") {}
