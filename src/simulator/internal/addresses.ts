/**
 * The addresses of the servers of a simulated run, as its faults change them. What an endpoint does not know of yet is no
 * address to reach it at: the watcher is told.
 */
import * as Effect from "effect/Effect"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import type * as Watcher from "../Watcher.ts"

const second = "sim1"

export const make = (group: SimulatedGroup.SimulatedGroup, watcher: Watcher.Watcher, servers: number) => {
  const firstOf = (host: number) => `10.0.0.${host}`
  const owners = Effect.gen(function*() {
    const all = new Map<string, string>()
    for (const host of yield* group.network.hosts) {
      for (const { ip } of yield* host.interfaces) if (ip !== null) all.set(ip, host.name)
    }
    return all
  })
  const has = (index: number, name: string) =>
    Effect.gen(function*() {
      const { interfaces } = yield* group.host(index)
      return (yield* interfaces).some((one) => one.name === name && one.ip !== null)
    })
  // Who has lost the first network reaches all by the second, if all are there.
  const first = new Set<number>()
  const alsoSecond = new Set<number>()
  for (let index = 0; index < servers; index++) first.add(index)
  watcher.isConnected = (index) => first.has(index) || alsoSecond.size === servers

  const note = (all: Set<number>, index: number, isThere: boolean) => isThere ? all.add(index) : all.delete(index)

  const changed = Effect.fnUntraced(function*(index: number) {
    const { isCurrent } = yield* group.host(index)
    note(first, index, yield* has(index, "sim0"))
    note(alsoSecond, index, yield* has(index, second))
    watcher.readdressed(index, yield* group.now, yield* isCurrent)
  })

  /** To the address that is meant; where another has it by now, to the next that is free. */
  const find = Effect.fnUntraced(function*(index: number, wanted = index + 1) {
    const taken = yield* owners
    let host = wanted
    while (taken.has(firstOf(host)) && taken.get(firstOf(host)) !== `s${index}`) host++
    yield* group.setAddress(index, firstOf(host))
    yield* changed(index)
    return true
  })

  return {
    find,
    /** Not where it is there already, or another has it. */
    move: Effect.fnUntraced(function*(index: number, host: number) {
      if ((yield* owners).has(firstOf(host))) return false
      return yield* find(index, host)
    }),
    lose: Effect.fnUntraced(function*(index: number) {
      if (!(yield* has(index, "sim0"))) return false
      yield* group.setAddress(index, null)
      yield* changed(index)
      return true
    }),
    join: Effect.fnUntraced(function*(index: number) {
      if (yield* has(index, second)) return false
      yield* group.addInterface(index, second, `10.0.1.${index + 1}`)
      yield* changed(index)
      return true
    }),
    quit: Effect.fnUntraced(function*(index: number) {
      yield* group.removeInterface(index, second)
      yield* changed(index)
    })
  }
}
