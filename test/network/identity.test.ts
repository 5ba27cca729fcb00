/**
 * Somebody else under a server's id, seen from a real process (protocol 4, duplicates).
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createSocket } from "node:dgram"
import * as Frame from "../../src/protocol/Frame.ts"
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
