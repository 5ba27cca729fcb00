/**
 * Servers that run as workers of `node:cluster`, whose sockets Node shares between them unless told not to.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as Process from "./process.ts"

const workers = (env: Record<string, string>) =>
  Process.startProgram(Path.join(import.meta.dirname, "cluster.mjs"), env, [Process.main])

describe("workers of node:cluster", () => {
  it.live("are servers of their own, each with a socket and an identity (protocol 2)", () =>
    Effect.gen(function*() {
      const group = yield* Process.group
      const primary = yield* workers({ ...group, BELLWETHER_PROFILE: "fast" })
      // Each of them sees the other two.
      yield* primary.until(() =>
        primary.events.filter(({ event }) => event === "MemberJoined").length >= 6 ? true : undefined
      )
      const selves = primary.events.flatMap((event) => event.event === "Started" ? [event.self] : [])
      assert.strictEqual(new Set(selves.map(({ id }) => id)).size, 3)
      assert.strictEqual(new Set(selves.map(({ port }) => port)).size, 3)
    }))

  it.live("are told that each needs a port of its own, if one is set for all (protocol 2)", () =>
    Effect.gen(function*() {
      const group = yield* Process.group
      const primary = yield* workers({
        ...group,
        BELLWETHER_UNICAST_PORT: String(Number(group["BELLWETHER_PORT"]) - 1)
      })
      yield* primary.event(
        "NetworkChanged",
        ({ what }) => /each worker of node:cluster needs a port of its own/.test(what)
      )
    }))
})
