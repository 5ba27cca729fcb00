/**
 * The example of a catalogue that all copies have, on a simulated network: three copies, one of which is killed while it leads.
 */
import { assert, describe, it } from "@effect/vitest"
import { Publishing } from "bellwether"
import { SimulatedGroup, VirtualTime } from "bellwether/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Catalogue from "../../examples/publish/Catalogue.ts"

const product = (name: string, price: number) => ({ name, text: `${name}, ripe and red. `.repeat(80), price })

describe("the example of a catalogue", () => {
  it.effect(
    "has the same products on every copy, regardless of who changed them, also while the leader is killed",
    () =>
      VirtualTime.run(
        Effect.gen(function*() {
          const group = yield* SimulatedGroup.make({
            servers: 3,
            seed: "catalogue",
            settings: (index) => ({ profile: "fast", priority: index })
          })
          yield* group.settle()
          const catalogues = yield* Effect.forEach(
            [0, 1, 2],
            (index) =>
              Effect.flatMap(
                group.server(index),
                ({ publishing }) => Effect.provideService(Catalogue.make, Publishing.Publishing, publishing)
              )
          )
          const changing = yield* Effect.forkChild(
            Effect.forEach([0, 1], (index) =>
              Effect.forEach([1, 2, 3], (price) =>
                catalogues[index]!.change(product(`apple ${index}`, price))), {
              concurrency: "unbounded"
            })
          )
          yield* group.advance(5)
          yield* group.kill(2)
          yield* group.until(
            "all is published",
            Effect.sync(() =>
              changing.pollUnsafe() !== undefined
            )
          )
          yield* Fiber.join(changing)
          yield* group.advance(5_000)
          for (const { products } of catalogues.slice(0, 2)) {
            const all = [...(yield* products).values()]
            assert.sameDeepMembers(all, [product("apple 0", 3), product("apple 1", 3)])
          }
        }).pipe(Effect.scoped)
      ),
    30_000
  )
})
