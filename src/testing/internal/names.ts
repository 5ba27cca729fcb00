/** The name server of a simulated network: it knows where each machine is, and answers so, or late, or of old, or not. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Datagrams from "../../transport/Datagrams.ts"
import type { Machine } from "./machine.ts"

export type Resolver = "works" | "silent" | "old" | { readonly after: Duration.Input }

const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host)

export const make = (machines: () => ReadonlyArray<Machine>) => {
  let resolver: Resolver = "works"
  let former: ReadonlyMap<string, string> = new Map()
  const now = (): ReadonlyMap<string, string> =>
    new Map(
      machines().flatMap(({ interfaces, name }) => {
        const ip = interfaces.find((one) => one.ip !== null)?.ip
        return ip === null || ip === undefined ? [] : [[name, ip]]
      })
    )
  const found = (name: string) =>
    Effect.suspend(() => {
      const ip = (resolver === "old" ? former : now()).get(name)
      return ip === undefined
        ? Effect.fail(new Datagrams.DatagramsFailed({ during: "send", kind: "NoSuchName", where: name }))
        : Effect.succeed([ip])
    })
  return {
    set: (how: Resolver): void => {
      if (how === "old" && resolver !== "old") former = now()
      resolver = how
    },
    /** The addresses that a host has; an address is its own. */
    resolve: (host: string): Effect.Effect<ReadonlyArray<string>, Datagrams.DatagramsFailed> =>
      Effect.suspend(() => {
        if (isAddress(host)) return Effect.succeed([host])
        if (resolver === "silent") return Effect.never
        return typeof resolver === "object" ? Effect.delay(found(host), resolver.after) : found(host)
      })
  }
}
