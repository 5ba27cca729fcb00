import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createSocket } from "node:dgram"
import * as Process from "../cli/process.ts"

Process.goFirst()

const fast = ["--json", "--profile", "fast"]

/** Three servers of one group, the third of the highest rank, once all follow it and see each other. */
const three = Effect.gen(function*() {
  const env = yield* Process.group
  const servers = yield* Effect.forEach(
    [1, 2, 3],
    (priority) => Process.start([...fast, "--name", `n${priority}`, "--priority", String(priority)], env)
  )
  for (const server of servers) {
    yield* follows(server, "n3")
    yield* server.until(() =>
      new Set(server.events.flatMap((event) => event.event === "MemberJoined" ? [event.member.id] : [])).size === 2
        ? true
        : undefined
    )
  }
  return { env, servers: servers as [Process.Running, Process.Running, Process.Running] }
})

const leaderOf = (server: Process.Running) =>
  server.events.findLast((event) => event.event === "LeaderChanged")?.leader?.name ?? null

const follows = (server: Process.Running, name: string) =>
  server.until(() => leaderOf(server) === name ? true : undefined)

describe("real processes on loopback (protocol 2, 4, 5)", () => {
  it.live("three servers find each other and agree on the highest ranked", () =>
    Effect.gen(function*() {
      const { servers } = yield* three
      assert.deepStrictEqual(servers.map(leaderOf), ["n3", "n3", "n3"])
    }).pipe(Effect.scoped))

  it.live("kill -9 of the leader: the next in rank leads, and knows why", () =>
    Effect.gen(function*() {
      const { servers: [first, second, leader] } = yield* three
      yield* leader.kill("SIGKILL")
      yield* follows(first, "n2")
      yield* follows(second, "n2")
      const removed = yield* second.event("MemberRemoved", ({ member }) => member.name === "n3")
      assert.include(["Crashed", "Silent"], removed.reason._tag)
    }).pipe(Effect.scoped))

  it.live("SIGTERM to the leader: it says goodbye, exits 0, and the next leads at once", () =>
    Effect.gen(function*() {
      const { servers: [first, second, leader] } = yield* three
      yield* leader.kill("SIGTERM")
      assert.strictEqual((yield* leader.ended).code, 0)
      yield* follows(first, "n2")
      const removed = yield* second.event("MemberRemoved", ({ member }) => member.name === "n3")
      assert.strictEqual(removed.reason._tag, "Left")
      assert.strictEqual(leader.events.at(-1)?.event, "Left")
    }).pipe(Effect.scoped))

  it.live("SIGSTOP of the leader and SIGCONT: it knows that it was paused, evicts nobody, and leads again", () =>
    Effect.gen(function*() {
      const { servers: [first, second, leader] } = yield* three
      yield* leader.kill("SIGSTOP")
      yield* follows(first, "n2")
      const before = leader.events.length
      yield* leader.kill("SIGCONT")
      yield* leader.event("Stalled")
      yield* follows(leader, "n3")
      yield* follows(first, "n3")
      yield* follows(second, "n3")
      const since = leader.events.slice(before)
      assert.isFalse(since.some((event) => event.event === "MemberRemoved"))
      const [woke] = since
      assert.strictEqual(woke?.event, "Stalled")
    }).pipe(Effect.scoped))

  it.live("a flood of 10,000 random datagrams changes nothing and kills nobody", () =>
    Effect.gen(function*() {
      const { env, servers } = yield* three
      const before = servers.map((server) => server.events.length)
      yield* flood(Number(env["BELLWETHER_PORT"]), 10_000)
      // Alive and in agreement afterwards: the leader is told to go, and the others follow the next.
      yield* servers[2].kill("SIGTERM")
      assert.strictEqual((yield* servers[2].ended).code, 0)
      yield* follows(servers[0], "n2")
      yield* follows(servers[1], "n2")
      const changes = servers.flatMap((server, index) =>
        server.events.slice(before[index]).filter((event) =>
          event.event === "FiberDied" || event.event === "MemberJoined"
        )
      )
      assert.deepStrictEqual(changes, [])
    }).pipe(Effect.scoped))
})

/** Random bytes to the group's port, half of them with the frame's first bytes. */
const flood = (port: number, count: number) =>
  Effect.callback<void>((resume) => {
    const socket = createSocket("udp4")
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const send = (left: number) => {
      if (left === 0) {
        socket.close()
        return resume(Effect.void)
      }
      const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)))
      const payload = random() < 0.5 ? bytes : Buffer.concat([Buffer.from("BW\u0001\u0000"), bytes])
      socket.send(payload, port, "127.0.0.1", () => setImmediate(send, left - 1))
    }
    send(count)
  })
