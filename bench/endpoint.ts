/** An endpoint without a network: it hears nothing, and what it sends is lost. */
import * as Effect from "effect/Effect"
import type * as Datagrams from "../src/transport/Datagrams.ts"

export const lonely: Datagrams.Endpoint = {
  hostname: "bench",
  local: [{ ip: "192.0.2.200", port: 4_000, interface: "eth0" }],
  receive: Effect.never,
  multicast: () => Effect.void,
  unicast: () => Effect.void,
  ask: () => Effect.succeed("sent" as const),
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  hasAddress: () => true,
  portTowards: () => 4_000,
  isExposed: () => true,
  isDirect: () => true,
  resolve: (host) => Effect.succeed([host]),
  troubles: Effect.never,
  dropped: Effect.succeed(0)
}
