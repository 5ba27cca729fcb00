/**
 * Who is who, seen from real processes: somebody else under a server's id, one that crashes again and again, and all that
 * start anew at once (protocol 4, duplicates; 5, stableAfter).
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createSocket } from "node:dgram"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Process from "../cli/process.ts"

it.live("a duplicate of its id is an event with both addresses, and an error on standard error", () =>
  Effect.gen(function*() {
    const env = yield* Process.group
    const server = yield* Process.start(["--json", "--profile", "fast"], env)
    const { self } = yield* server.event("Started")
    const frame = Result.getOrThrow(Frame.encode(
      { type: "SERVER_ALIVE", sender: self, term: 0, leader: null, heard: 0, interval: 500 },
      Frame.groupTag(env["BELLWETHER_GROUP"] ?? "")
    ))
    const port = yield* Effect.callback<number>((resume) => {
      const socket = createSocket("udp4")
      socket.bind(0, "127.0.0.1", () => {
        const { port } = socket.address()
        socket.send(frame, self.port, self.ip, () => socket.close(() => resume(Effect.succeed(port))))
      })
    })
    const told = yield* server.event("DuplicateIdentity")
    assert.deepInclude(told, { id: self.id, ours: `${self.ip}:${self.port}`, theirs: `127.0.0.1:${port}` })
    yield* server.until(() => server.stderr.includes("DUPLICATE IDENTITY") ? true : undefined)
    assert.match(
      server.stderr,
      new RegExp(`ERROR.*DUPLICATE IDENTITY: 127\\.0\\.0\\.1:${port} .* uses our node id ${self.id}`)
    )
  }))

it.live(
  "one that crashes again and again does not move the lead with stableAfter; all that start anew at once have one leader",
  () =>
    Effect.gen(function*() {
      const env = { ...(yield* Process.group), BELLWETHER_PROFILE: "fast", BELLWETHER_STABLE_AFTER: "1h" }
      const start = (priority: number, port: number, more: Record<string, string> = {}) =>
        Process.start(["--json", "--priority", String(priority), "--unicast-port", String(port)], { ...env, ...more })
      const leads = (priority: number) => (server: Process.Running) =>
        server.event("LeaderChanged", ({ leader }) => leader?.priority === priority)
      const ports = yield* Effect.forEach([1, 2, 3], () =>
        Effect.map(Process.group, (own) => Number(own["BELLWETHER_PORT"])))
      const first = yield* start(2, ports[0]!)
      yield* leads(2)(first)
      const second = yield* start(1, ports[1]!)
      yield* leads(2)(second)
      for (let crash = 0; crash < 3; crash++) {
        const looping = yield* start(9, ports[2]!)
        yield* leads(2)(looping)
        yield* first.until(() =>
          first.events.filter(({ event }) =>
              event === "MemberJoined"
            ).length === 2 + crash
            ? true
            : undefined
        )
        yield* looping.kill("SIGKILL")
      }
      // A busy machine may end a reign for a stall; who takes the place then is not the one that crashes.
      for (const server of [first, second]) {
        assert.isFalse(server.events.some((event) => event.event === "LeaderChanged" && event.leader?.priority === 9))
      }
      // The power comes back: nobody has heard of anybody, and each remembers nothing.
      for (const server of [first, second]) yield* server.kill("SIGKILL")
      const again = yield* Effect.forEach(ports, (port, at) => start(at + 1, port, { BELLWETHER_STABLE_AFTER: "0s" }), {
        concurrency: "unbounded"
      })
      yield* Effect.forEach(again, leads(3))
      for (const server of again) {
        yield* server.until(() =>
          server.events.filter(({ event }) => event === "MemberJoined").length >= 2 ? true : undefined
        )
        const strange = server.events.filter(({ event }) =>
          event === "DuplicateIdentity" || event === "IncarnationRaised"
        )
        assert.deepStrictEqual(strange, [])
      }
    }).pipe(Effect.scoped),
  60_000
)
