/** Readers of events over real sockets that do not keep up, or do not read at all. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import type { Socket } from "node:net"
import * as EventHub from "../../../src/engine/EventHub.ts"
import type * as Event from "../../../src/protocol/model/Event.ts"
import { served, turn } from "./Served.ts"

/** A server whose group tells what the test publishes. */
const told = Effect.fnUntraced(function*(options: { readonly idleFor?: number } = {}) {
  const hub = yield* EventHub.make<null, Event.Event>(() => null, 0)
  const { connections, url } = yield* served({
    ...options,
    group: (group) => ({
      ...group,
      status: Effect.map(group.status, (status) => ({ ...status, sequence: hub.sequence() })),
      subscribeAfter: (sequence) =>
        Effect.zipWith(
          group.status,
          hub.subscribeAfter(sequence),
          (view, subscription) => ({ ...subscription, view } as never)
        )
    })
  })
  /** More events than wait for one reader, of some megabytes. */
  const publish = Effect.gen(function*() {
    for (let n = 0; n < 2 * EventHub.capacity; n++) {
      hub.publish({ at: n, event: "NetworkChanged", what: "x".repeat(1_000) })
      if (n % 64 === 0) yield* turn
    }
  })
  const reader = Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const { host, hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      socket.on("error", () => {}).once("data", () => {
        socket.pause()
        resume(Effect.succeed(socket))
      })
      socket.write(`GET /api/events HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
  return { connections, publish, reader }
})

describe("a reader of events", () => {
  it.effect("that was too slow is told how many it lost, and that is its last event", () =>
    Effect.gen(function*() {
      const { publish, reader } = yield* told()
      const slow = yield* reader
      yield* publish
      let rest = ""
      const chunks = Effect.callback<void>((resume) => {
        slow.on("data", (data) => {
          rest = (rest + data.toString("latin1")).slice(-5_000)
          if (rest.endsWith("\r\n0\r\n\r\n")) resume(Effect.void)
        }).resume()
      })
      yield* chunks
      const last = rest.slice(rest.lastIndexOf("event: "))
      assert.match(last, /^event: TooSlow\ndata: \{"at":\d+,"event":"TooSlow","count":[1-9]\d*\}\n\n/)
    }))

  it.effect("that does not read at all is disconnected, and another hears the events meanwhile", () =>
    Effect.gen(function*() {
      const { connections, publish, reader } = yield* told({ idleFor: 2_000 })
      const stalled = yield* reader
      const other = yield* reader
      let heard = 0
      other.on("data", (data) => heard += data.length).resume()
      yield* publish
      yield* Effect.repeat(turn, { until: () => heard > 1_000_000 })
      other.destroy()
      // The server's end is closed, though nothing is left to tell the reader.
      yield* Effect.repeat(Effect.andThen(turn, connections), { until: (count) => count === 0 })
      assert.isTrue(stalled.isPaused())
    }))
})
