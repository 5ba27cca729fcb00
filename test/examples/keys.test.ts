/** The example of owners of keys, on a simulated network: three copies of the app. */
import { assert, describe, it } from "@effect/vitest"
import { Group } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { carts, customers, serverOf } from "../../examples/keys/Carts.ts"

describe("the example of owners of keys", () => {
  it.effect("opens each cart on one server, where a request for it is sent, also after one has gone", () =>
    Effect.gen(function*() {
      const open = new Map<string, Set<string>>(customers.map((customer) => [customer, new Set()]))
      const console: Console.Console = {
        ...globalThis.console,
        log: (line: string) => {
          const [, name, what, customer] = /^(\S+) (opens|closes) the cart of (.*)$/.exec(line)!
          if (what === "opens") open.get(customer!)!.add(name!)
          else open.get(customer!)!.delete(name!)
        }
      }
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: "carts",
        settings: (index) => ({ profile: "fast", name: `n${index}` }),
        app: (server) =>
          carts.pipe(
            Effect.provideService(Group.Group, server.group),
            Effect.provideService(Console.Console, console)
          )
      })
      yield* group.settle()
      yield* group.advance("2 seconds")
      const assertServed = Effect.fnUntraced(function*(by: number) {
        const server = yield* group.server(by)
        for (const [customer, on] of open) {
          const owner = yield* serverOf(customer).pipe(Effect.provideService(Group.Group, server.group))
          assert.deepStrictEqual([...on], [Option.getOrThrow(owner).name], customer)
        }
      })
      yield* assertServed(0)
      assert.strictEqual(new Set([...open.values()].flatMap((on) => Array.from(on))).size, 3)
      for (const on of open.values()) on.delete("n2")
      yield* group.stop(2)
      yield* group.advance("2 seconds")
      yield* assertServed(1)
    }))
})
