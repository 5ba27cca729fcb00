/** On which interfaces an endpoint has joined its multicast groups. */
import * as Effect from "effect/Effect"
import { DatagramsFailed } from "../Datagrams.ts"
import { describe, deviceOf } from "../interfaces/SystemInterface.ts"
import type { Attached, Held } from "./Attached.ts"

export interface Memberships {
  /** Joins the group of a unicast socket on its interface, if nobody did. That the system allows no more is no failure. */
  readonly join: (one: Attached) => Effect.Effect<void, DatagramsFailed>
  readonly leave: (one: Attached) => Effect.Effect<void>
  /** Joins on every interface that is there and has not joined. */
  readonly joinAll: (onFailure: (failed: DatagramsFailed) => Effect.Effect<void>) => Effect.Effect<void>
  /** Whether every interface that is there has joined. */
  readonly isComplete: () => boolean
  /** Reports once that the system allows no more memberships, and once that this is over. */
  readonly reportLimit: () => void
}

export const make = (held: Held, report: (failed: DatagramsFailed) => void): Memberships => {
  /** The system's refusal to let us join a further interface; undefined since the last try of all. */
  let limit: DatagramsFailed | undefined
  let isReported = false
  const socketOf = ({ group }: Attached) => held.groups[group]?.socket
  const join = (one: Attached) => {
    const { networkInterface } = one
    const socket = socketOf(one)
    const isNeedless = socket === undefined || limit !== undefined || socket.hasJoined(deviceOf(networkInterface.name))
    return isNeedless ? Effect.void : Effect.catchIf(
      socket.join(networkInterface),
      ({ kind }) => kind === "TooManyMemberships",
      (failed) =>
        Effect.sync(() => {
          limit = failed
        })
    )
  }
  const outside = () =>
    held.attached.filter((one) => {
      const socket = socketOf(one)
      return one.present && socket?.opened !== undefined && !socket.hasJoined(deviceOf(one.networkInterface.name))
    })
  const reportLimit = () => {
    if ((limit !== undefined) === isReported) return
    isReported = limit !== undefined
    report(limit === undefined ? allJoined : refusedOn(outside(), limit))
  }
  return {
    join,
    leave: (one) => socketOf(one)?.leave(deviceOf(one.networkInterface.name)) ?? Effect.void,
    joinAll: Effect.fnUntraced(function*(onFailure) {
      limit = undefined
      for (const one of outside()) yield* Effect.catch(join(one), onFailure)
      reportLimit()
    }),
    isComplete: () => outside().length === 0,
    reportLimit
  }
}

// internal

const allJoined = new DatagramsFailed({
  during: "join",
  kind: "NetworkChanged",
  where: "multicast is heard on all interfaces"
})

const refusedOn = (some: ReadonlyArray<Attached>, { code = "", syscall = "" }: DatagramsFailed): DatagramsFailed => {
  const names = some.map(({ networkInterface }) => describe(networkInterface)).join(", ")
  const where = `${names}: ${why}`
  return new DatagramsFailed({ during: "join", kind: "TooManyMemberships", where, code, syscall })
}

const why = "the system lets a socket join no more interfaces, so nothing that is multicast is heard there "
  + "(sysctl net.ipv4.igmp_max_memberships, and net.core.optmem_max for IPv6, say how many; --interfaces names fewer)"
