/**
 * The addresses of the servers of a simulated run, as its faults change them. What an endpoint does not know of yet is no
 * address to reach it at: the watcher is told.
 */
import * as Effect from "effect/Effect"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import type * as Watcher from "../Watcher.ts"

/** Each says whether it changed anything. */
export interface Addresses {
  /** To the address that is meant, or the server's first one; where another has it by now, to the next that is free. */
  readonly find: (index: number, host?: number) => Effect.Effect<boolean>
  /** Not where it is there already, or another has it. */
  readonly move: (index: number, host: number) => Effect.Effect<boolean>
  readonly lose: (index: number) => Effect.Effect<boolean>
  readonly join: (index: number) => Effect.Effect<boolean>
  readonly quit: (index: number) => Effect.Effect<boolean>
}

export const make = (group: SimulatedGroup.SimulatedGroup, watcher: Watcher.Watcher, servers: number): Addresses => {
  // Who has lost the first network reaches all by the second, if all are there.
  const onFirst = new Set(Array.from({ length: servers }, (_, index) => index))
  const onSecond = new Set<number>()
  watcher.isConnected = (index) => onFirst.has(index) || onSecond.size === servers

  const changed = Effect.fnUntraced(function*(index: number) {
    const { isCurrent } = yield* group.host(index)
    note(onFirst, index, yield* hasAddress(group, index, first))
    note(onSecond, index, yield* hasAddress(group, index, second))
    watcher.readdressed(index, yield* group.now, yield* isCurrent)
    return true
  })

  const find = Effect.fnUntraced(function*(index: number, wanted = index + 1) {
    const taken = yield* ownersIn(group)
    let host = wanted
    while (taken.has(firstOf(host)) && taken.get(firstOf(host)) !== `s${index}`) host++
    yield* group.setAddress(index, firstOf(host))
    return yield* changed(index)
  })

  return {
    find,
    move: Effect.fnUntraced(function*(index, host) {
      return !(yield* ownersIn(group)).has(firstOf(host)) && (yield* find(index, host))
    }),
    lose: Effect.fnUntraced(function*(index) {
      if (!(yield* hasAddress(group, index, first))) return false
      yield* group.setAddress(index, null)
      return yield* changed(index)
    }),
    join: Effect.fnUntraced(function*(index) {
      if (yield* hasAddress(group, index, second)) return false
      yield* group.addInterface(index, second, `10.0.1.${index + 1}`)
      return yield* changed(index)
    }),
    quit: Effect.fnUntraced(function*(index) {
      yield* group.removeInterface(index, second)
      return yield* changed(index)
    })
  }
}

// internal

/** The interfaces of a machine. */
const first = "sim0"
const second = "sim1"

const firstOf = (host: number) => `10.0.0.${host}`

/** The names of the machines that have addresses. */
const ownersIn = Effect.fnUntraced(function*({ network }: SimulatedGroup.SimulatedGroup) {
  const owners = new Map<string, string>()
  for (const host of yield* network.hosts) {
    for (const { ip } of yield* host.interfaces) if (ip !== null) owners.set(ip, host.name)
  }
  return owners
})

const hasAddress = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, index: number, name: string) {
  const { interfaces } = yield* group.host(index)
  return (yield* interfaces).some((one) => one.name === name && one.ip !== null)
})

const note = (servers: Set<number>, index: number, isThere: boolean) =>
  isThere ? servers.add(index) : servers.delete(index)
