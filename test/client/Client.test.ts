/**
 * Clients of a group on the simulated network (protocol 3; 5, messages from clients).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

describe("a client", () => {
  it.effect(
    "joins, sends, and hears what it sent; so does every server's inbox",
    () =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* SimulatedGroup.make({ servers: 3, seed: 1 })
        yield* group.settle()
        const inboxes = yield* Effect.forEach([0, 1, 2], (index) =>
          Effect.flatMap(group.server(index), ({ inbox }) =>
            inbox.messages.pipe(
              Stream.take(3),
              Stream.runCollect,
              Effect.forkChild({ startImmediately: true })
            )))
        const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
        const joining = yield* Effect.forkChild(client.join)
        yield* group.advance(100)
        yield* Fiber.join(joining)
        const sending = yield* Effect.forkChild(
          Effect.forEach(["a", { b: 1 }, null], (body) =>
            client.send(body), { concurrency: "unbounded" })
        )
        yield* group.advance(100)
        assert.deepStrictEqual(yield* Fiber.join(sending), [1, 2, 3])
        for (const inbox of inboxes) {
          const messages = yield* Fiber.join(inbox)
          assert.deepStrictEqual(
            messages.map(({ body }) =>
              body
            ),
            ["a", { b: 1 }, null]
          )
          assert.deepStrictEqual(messages.map(({ seq }) => seq), [1, 2, 3])
        }
        yield* group.stopClient(0)
        const events = yield* group.clients.events(0)
        assert.deepStrictEqual(events.map(({ event }) => event.event), [
          "LeaderChanged",
          "Joined",
          "MessageReceived",
          "MessageAcknowledged",
          "MessageReceived",
          "MessageAcknowledged",
          "MessageReceived",
          "MessageAcknowledged",
          "Left"
        ])
      })),
    20_000
  )
})
