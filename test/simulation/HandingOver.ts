/**
 * Handing over the lead in a simulated group.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { SimulatedGroup } from "../../src/testing/index.ts"

export const leadershipOf = (group: SimulatedGroup.SimulatedGroup, index: number) =>
  Effect.map(group.server(index), ({ leadership }) => leadership)

export const idOf = (group: SimulatedGroup.SimulatedGroup, index: number) =>
  Effect.flatMap(group.server(index), (server) => Effect.map(server.group.self, ({ id }) => id))

/** Hands the lead of one server to another, and lets time pass until that has an outcome. */
export const transfer = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup, from: number, to: number) {
  const leadership = yield* leadershipOf(group, from)
  const fiber = yield* Effect.forkScoped(leadership.transferTo(yield* idOf(group, to)))
  const took = yield* group.until("there is an outcome", Effect.sync(() => fiber.pollUnsafe() !== undefined))
  return { exit: yield* Fiber.await(fiber), took }
})
