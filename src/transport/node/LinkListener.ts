/**
 * Where crash links are accepted: one TCP port, in each family of the group. On any address of this host, so that a move of
 * addresses refuses nobody; where only the loopback was chosen, on that alone.
 */
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Net from "node:net"
import { deviceOf, familyOf } from "../interfaces/SystemInterface.ts"
import type { UnicastSocket } from "./UnicastSocket.ts"

/**
 * The address to listen at in a family, if any: that of the loopback which is used, where only loopbacks are named, else any.
 */
export const hostOf = (
  family: NetAddress.IpFamily,
  named: ReadonlyArray<string>,
  used: ReadonlyArray<Pick<UnicastSocket, "networkInterface">>
): ReadonlyArray<string> => {
  const loopbacks = used.flatMap(({ networkInterface: one }) => one.internal ? [one] : [])
  const isLoopback = (name: string) =>
    loopbacks.some((one) => one.address === name || one.name === name || deviceOf(one.name) === name)
  if (named.length === 0 || !named.every(isLoopback)) return [family === "IPv4" ? "0.0.0.0" : "::"]
  return loopbacks.flatMap(({ address }) => familyOf(address) === family ? [address] : []).slice(0, 1)
}

/**
 * Listens until the scope closes, at `port` if nobody has it, at one port in all families. The port is null where not one
 * of them can be listened to: then `failed` is told why.
 */
export const open = Effect.fnUntraced(
  function*(
    { hosts, port }: { readonly hosts: ReadonlyArray<string>; readonly port: number },
    accepted: (socket: Net.Socket) => void,
    failed: (cause: unknown) => void
  ) {
    const listening = (host: string, port: number) =>
      Effect.acquireRelease(listen(host, port, accepted, failed), (server) => Effect.sync(() => void server.close()))
    let found: number | null = null
    let refusal: unknown
    for (const host of hosts) {
      const first = found ?? port
      const opened: Result.Result<Net.Server, unknown> = yield* Effect.result(
        Effect.catch(listening(host, first), (cause) => found === null ? listening(host, 0) : Effect.fail(cause))
      )
      if (Result.isFailure(opened)) refusal = opened.failure
      else found ??= portOf(opened.success)
    }
    if (found === null) failed(refusal)
    return found
  }
)

// internal

const listen = (
  host: string,
  port: number,
  accepted: (socket: Net.Socket) => void,
  failed: (cause: unknown) => void
): Effect.Effect<Net.Server, unknown> =>
  Effect.callback((resume) => {
    const server = Net.createServer({ noDelay: true }, accepted).unref()
    server.once("error", (cause) => resume(Effect.fail(cause)))
    server.once("listening", () => {
      // From here on an error is that of one connection, as where no descriptor is left.
      server.removeAllListeners("error").on("error", failed)
      resume(Effect.succeed(server))
    })
    // Under `node:cluster` each worker has a port of its own.
    server.listen({ host, port, ipv6Only: true, exclusive: true })
  })

const portOf = (server: Net.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}
