/** Commands over a simulated network: with a key, without one, and where datagrams get lost (protocol, Commands). */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Command from "../../src/client/Command.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as World from "../simulation/World.ts"

const key = "0123456789abcdef".repeat(4)
const by = { user: "ann", host: "desk" }

const commanded = Effect.fnUntraced(
  function*(order: Command.Order, options: { readonly key?: string; readonly loss?: number } = {}) {
    const world = yield* World.make({ seed: "command" })
    const servers = yield* world.startAll(3, { key: options.key })
    yield* World.pass(5_000)
    if (options.loss !== undefined) yield* world.network.setLoss(options.loss)
    const asker = yield* world.network.host("asker")
    const settings = yield* Settings.make({ key: options.key })
    const telling = yield* Effect.forkChild(
      Effect.exit(
        Effect.provide(Command.command(settings, order, { by, timeout: Duration.seconds(10) }), asker.layerDatagrams)
      ),
      { startImmediately: true }
    )
    yield* World.pass(11_000)
    return { servers, told: yield* yield* Fiber.join(telling) }
  }
)

const leaderOf = (world: Effect.Success<ReturnType<typeof commanded>>) =>
  Effect.map(world.servers[0]!.group.view, ({ reign }) => reign?.leader.id)

describe("a command", () => {
  it.effect.each([0, 0.3])(
    "sealed with the group's key is done, with %d of all datagrams lost",
    (loss) =>
      Effect.gen(function*() {
        const at = "s1"
        const world = yield* commanded({ what: "StepDown", at, election: "", millis: 3_600_000 }, { key, loss })
        assert.strictEqual(world.told.at.name, at)
        yield* World.pass(5_000)
        assert.notStrictEqual(yield* leaderOf(world), world.told.at.id)
      })
  )

  it.effect("in a group without a key is refused to another host", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(commanded({ what: "Resign", at: "s1", election: "" }))
      assert.match(
        error.message,
        /^s1 \(.*\) refuses: it takes commands of who has the group's key; without a key, from this/
      )
    }))

  it.effect("to a server that is called as two are, or as none is, is said to nobody", () =>
    Effect.gen(function*() {
      const none = yield* Effect.flip(commanded({ what: "Resign", at: "s7", election: "" }, { key }))
      assert.match(
        none.message,
        /^--at is s7; allowed: the name, the id or the address of a member: .*did you mean s\d\?$/
      )
    }))
})
