/**
 * Several hosts on one switch, and what breaks between them: what loopback cannot show (protocol 2, 4, 5). Real time, in
 * the `fast` profile.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import * as Path from "node:path"
import type * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"
import { allFollow, allSeeAll, evicted, flags, since, tells } from "./Views.ts"

const newer = Path.join(import.meta.dirname, "newer.mjs")

/** By their names: the first is n1. */
const named = (servers: ReadonlyArray<Process.Running>, first = 1) =>
  Object.fromEntries(servers.map((server, index) => [`n${first + index}`, server]))

/** Hosts at 192.0.2.1 and on, with a server on each: n1, n2 and on, the last the highest ranked, once all know all. */
const group = Effect.fnUntraced(function*(count: number) {
  const lan = yield* Lan.make
  const hosts: Array<Lan.Host> = []
  const servers: Array<Process.Running> = []
  const start = Effect.fnUntraced(function*(index: number, env: Record<string, string> = {}) {
    servers[index] = yield* hosts[index]!.start(flags(`n${index + 1}`, index + 1), env)
  })
  for (let index = 0; index < count; index++) hosts.push(yield* lan.hostAt(`192.0.2.${index + 1}/24`))
  for (let index = 0; index < count; index++) yield* start(index)
  yield* allFollow(servers, `n${count}`)
  yield* allSeeAll(named(servers))
  const last = count - 1
  return {
    lan,
    hosts,
    servers,
    start,
    /** The highest ranked, now. */
    get leader() {
      return servers[last]!
    },
    others: servers.slice(0, last)
  }
})

describe.skipIf(Lan.skip)(`hosts on one switch${Lan.because}`, Lan.together, () => {
  it.live(
    "a partition 3|2: a leader in each part, and one soon after it heals (need 9)",
    Effect.fnUntraced(function*() {
      const { hosts, lan, servers } = yield* group(5)
      for (const host of hosts.slice(3)) yield* lan.connect(host, "eth0", "br1")
      const [three, two] = [servers.slice(0, 3), servers.slice(3)]
      yield* allFollow(three, "n3")
      yield* allFollow(two, "n5")
      yield* allSeeAll(named(three))
      yield* allSeeAll(named(two, 4))
      for (const host of hosts.slice(3)) yield* lan.connect(host, "eth0", "br0")
      yield* allFollow(servers, "n5")
      yield* allSeeAll(named(servers))
    }, Effect.scoped)
  )

  it.live(
    "an interface that goes down takes its server out, and coming up brings it back (need 1)",
    Effect.fnUntraced(function*() {
      const { hosts, leader, others, servers } = yield* group(3)
      const happened = since(leader)
      yield* hosts[2]!.ip("link set eth0 down")
      yield* allFollow(others, "n2")
      yield* tells(leader, happened, "eth0 192.0.2.3 is gone")
      yield* hosts[2]!.ip("link set eth0 up")
      yield* tells(leader, happened, "eth0 192.0.2.3 is back")
      yield* allFollow(servers, "n3")
      yield* allSeeAll(named(servers))
    }, Effect.scoped)
  )

  it.live(
    "a host that loses multicast but not unicast stays, and elections reach it (needs 2, 6)",
    Effect.fnUntraced(function*() {
      const { hosts, leader, others, servers, start } = yield* group(3)
      const deaf = servers[0]!
      const happened = since(deaf)
      yield* hosts[0]!.run("iptables", "-A", "INPUT", "-d", "224.0.0.0/4", "-j", "DROP")
      for (const name of ["n2", "n3"]) {
        yield* deaf.until(() => happened().find((event) => event.event === "UnicastOnly" && event.member.name === name))
      }
      assert.deepStrictEqual(evicted(named(servers)), [])
      // The next leader tells it so itself.
      yield* leader.kill("SIGTERM")
      yield* allFollow(others, "n2")
      yield* start(2)
      yield* allFollow(servers, "n3")
      yield* allSeeAll(named(servers))
    }, Effect.scoped)
  )

  it.live(
    "where a fifth of all datagrams is lost they still agree, and a dead leader is replaced (needs 6, 9)",
    Effect.fnUntraced(function*() {
      const { hosts, leader, others, servers, start } = yield* group(5)
      const rule = "-p udp -m statistic --mode random --probability 0.2 -j DROP".split(" ")
      for (const host of hosts) yield* host.run("iptables", "-A", "INPUT", ...rule)
      yield* leader.kill("SIGKILL")
      yield* allFollow(others, "n4")
      yield* start(4)
      yield* allFollow(servers, "n5")
      for (const host of hosts) yield* host.run("iptables", "-D", "INPUT", ...rule)
      yield* allFollow(servers, "n5")
      yield* allSeeAll(named(servers))
    }, Effect.scoped)
  )

  it.live(
    "a server of a later wire version is a member, a follower and a leader like any other (need 25)",
    Effect.fnUntraced(function*() {
      const { leader, others, servers, start } = yield* group(3)
      yield* leader.kill("SIGTERM")
      yield* allFollow(others, "n2")
      // It says fields and kinds that the others do not know, and each datagram once more in the next version.
      yield* start(2, { NODE_OPTIONS: `--import ${newer}` })
      const later = servers[2]!
      yield* allFollow(servers, "n3")
      yield* allSeeAll(named(servers))
      yield* later.kill("SIGTERM")
      assert.strictEqual((yield* later.ended).code, 0)
      yield* allFollow(others, "n2")
      assert.deepStrictEqual(servers.flatMap(({ events }) => events.filter(({ event }) => event === "FiberDied")), [])
    }, Effect.scoped)
  )
})

it.live.skipIf(Lan.skip)(
  `what a test left that was killed goes with the next, and what still runs there too${Lan.because}`,
  Effect.fnUntraced(function*() {
    // A process of this number there is not.
    const name = "bellwether-4194305-1"
    execFileSync("ip", ["netns", "add", name])
    const left = yield* Effect.acquireRelease(
      Effect.sync(() => spawn("ip", ["netns", "exec", name, "sleep", "100"], { stdio: "ignore" })),
      (left) => Effect.sync(() => void left.kill("SIGKILL"))
    )
    const ended = once(left, "exit")
    yield* Lan.make
    assert.notInclude(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }), name)
    yield* Effect.promise(() => ended)
  }, Effect.scoped)
)

it.each(
  [
    [undefined, undefined, 1000, false],
    [undefined, "true", 0, false],
    ["needs root", undefined, 1000, true],
    ["needs root", "true", 1000, true],
    ["needs ip", undefined, 0, true],
    ["needs ip", "true", 0, false]
  ] as const
)(
  "hosts of their own: an obstacle (%s) with CI=%s as user %i, skipped: %s",
  (obstacle, ci, uid, skipped) => assert.strictEqual(Lan.mayBeSkipped(obstacle, ci, uid), skipped)
)
