/**
 * Real processes that lead by a lease, restarted one after the other (protocol, majority lease, handing over).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createSocket } from "node:dgram"
import * as Process from "../cli/process.ts"

Process.goFirst()

const duration = 6_000
const flags = ["serve", "--json", "--profile", "fast", "--leadership", "lease", "--group-size", "3"]

const freePort = Effect.callback<number>((resume) => {
  const socket = createSocket("udp4")
  socket.bind(0, "127.0.0.1", () => {
    const { port } = socket.address()
    socket.close(() => resume(Effect.succeed(port)))
  })
})

const leaderOf = (server: Process.Running) =>
  server.events.findLast((event) => event.event === "LeaderChanged")?.leader?.name ?? null

describe("three processes that lead by a lease, on loopback", () => {
  it.live(
    "restarted by SIGTERM one after the other, each as soon as the last one votes: it does at once, and somebody leads",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        const ports = yield* Effect.forEach([1, 2, 3], () => freePort)
        const start = (priority: number) =>
          Process.start([
            ...flags,
            "--lease-duration",
            `${duration}ms`,
            "--unicast-port",
            String(ports[priority - 1]),
            "--name",
            `n${priority}`,
            "--priority",
            String(priority)
          ], env)
        const servers = yield* Effect.forEach([1, 2, 3], start)
        for (const server of servers) {
          yield* server.until(() => leaderOf(server) === "n3" ? true : undefined)
          assert.isFalse((yield* server.event("Votes")).handedOver)
        }
        for (const [index, server] of servers.entries()) {
          yield* server.kill("SIGTERM")
          assert.strictEqual((yield* server.ended).code, 0)
          const again = yield* start(index + 1)
          servers[index] = again
          assert.deepInclude(yield* again.event("Votes"), { handedOver: true })
          yield* again.until(() => leaderOf(again) === null ? undefined : true)
        }
        for (const server of servers) yield* server.until(() => leaderOf(server) === "n3" ? true : undefined)
        // What the last two to restart saw: the others are new.
        const gaps = servers.flatMap(({ events }) =>
          events.flatMap((event) => event.event === "LeaderChanged" ? [event.without] : [])
        )
        assert.isBelow(Math.max(...gaps), duration / 2)
      }).pipe(Effect.scoped),
    120_000
  )
})
