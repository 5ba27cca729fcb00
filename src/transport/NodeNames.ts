/**
 * Names of hosts, resolved by the system that Node runs on: its hosts file, its name service, DNS.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Dns from "node:dns"
import * as Net from "node:net"
import { DatagramsFailed } from "./Datagrams.ts"

/**
 * The addresses that a name has now; an address is its own. Fails with `NoSuchName`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = (host: string): Effect.Effect<ReadonlyArray<string>, DatagramsFailed> =>
  Net.isIP(host) !== 0 ? Effect.succeed([host]) : Effect.callback((resume) => {
    const failed = (cause: unknown) =>
      resume(Effect.fail(new DatagramsFailed({ during: "send", kind: "NoSuchName", where: host, cause })))
    try {
      Dns.lookup(host, { all: true }, (error, found) => {
        if (error !== null) failed(error)
        else resume(Effect.succeed(found.map(({ address }) => address)))
      })
    } catch (error) {
      failed(error)
    }
  })
