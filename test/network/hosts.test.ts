/**
 * Several hosts on one switch, each with an address, interfaces and a firewall of its own: what loopback cannot show
 * (protocol 2, 4, 5). Real time, in the `fast` profile.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Path from "node:path"
import type * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"

const group = "239.255.77.77"
const newer = Path.join(import.meta.dirname, "newer.mjs")

const leaderOf = (server: Process.Running) =>
  server.events.findLast((event) => event.event === "LeaderChanged")?.leader?.name ?? null

const follows = (server: Process.Running, name: string) =>
  server.until(() => leaderOf(server) === name ? true : undefined)

const allFollow = (servers: ReadonlyArray<Process.Running>, name: string) =>
  Effect.forEach(servers, (server) => follows(server, name), { discard: true })

/** Whom it sees, by name, itself left out. */
const sees = (server: Process.Running): ReadonlyArray<string> => {
  const names = new Map<string, string>()
  for (const event of server.events) {
    if (event.event === "MemberJoined") names.set(event.member.id, event.member.name)
    if (event.event === "MemberRemoved") names.delete(event.member.id)
  }
  return [...names.values()].toSorted()
}

const seesAll = (server: Process.Running, ...names: ReadonlyArray<string>) =>
  server.until(() => sees(server).join() === names.join() ? true : undefined)

const flags = (name: string, priority: number) => [
  "--json",
  "--profile",
  "fast",
  "--name",
  name,
  "--priority",
  String(priority)
]

/** What happened on a server since a look at it. */
const since = (server: Process.Running) => {
  const from = server.events.length
  return () => server.events.slice(from)
}

const removedIn = (events: Process.Running["events"]) =>
  events.flatMap((event) => event.event === "MemberRemoved" ? [event.member.name] : [])

/** Five hosts at 192.0.2.1 to 192.0.2.5 on one bridge, with a server on each: n1 to n5, the last the highest ranked. */
class Five extends Context.Service<Five, {
  readonly lan: Lan.Lan
  readonly hosts: ReadonlyArray<Lan.Host>
  /** Those that run now, n1 first. */
  readonly servers: Array<Process.Running>
  readonly start: (index: number, env?: Record<string, string>) => Effect.Effect<Process.Running>
}>()("test/network/Five") {
  static readonly layer = Layer.effect(
    Five,
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const lan = yield* Lan.make
      const hosts: Array<Lan.Host> = []
      const servers: Array<Process.Running> = []
      const start = (index: number, env: Record<string, string> = {}) =>
        Effect.map(
          Scope.provide(hosts[index]!.start(flags(`n${index + 1}`, index + 1), env), scope),
          (server) => servers[index] = server
        )
      for (let index = 0; index < 5; index++) {
        const host = yield* lan.host
        yield* host.plug("eth0", "br0", [`192.0.2.${index + 1}/24`])
        hosts.push(host)
        yield* start(index)
      }
      return { lan, hosts, servers, start }
    })
  )
}

describe.skipIf(Lan.skip)(`five hosts on one switch${Lan.because}`, () => {
  layer(Five.layer, { excludeTestServices: true, timeout: "120 seconds" })((it) => {
    const others = ["n1", "n2", "n3", "n4", "n5"]

    it.effect("find each other by multicast, and agree on the highest ranked", () =>
      Effect.gen(function*() {
        const { servers } = yield* Five
        yield* allFollow(servers, "n5")
        for (const [index, server] of servers.entries()) {
          yield* seesAll(server, ...others.filter((name) => name !== `n${index + 1}`))
        }
      }), 120_000)

    it.effect("a split 3|2 has a leader in each part, and one soon after it heals", () =>
      Effect.gen(function*() {
        const { hosts, lan, servers } = yield* Five
        for (const index of [3, 4]) yield* lan.connect(hosts[index]!, "eth0", "br1")
        yield* allFollow(servers.slice(0, 3), "n3")
        yield* allFollow(servers.slice(3), "n5")
        yield* seesAll(servers[4]!, "n4")
        for (const index of [3, 4]) yield* lan.connect(hosts[index]!, "eth0", "br0")
        yield* allFollow(servers, "n5")
        for (const [index, server] of servers.entries()) {
          yield* seesAll(server, ...others.filter((name) => name !== `n${index + 1}`))
        }
      }), 120_000)

    it.effect(
      "an interface that goes down takes its server out, and coming up brings it back (need 1)",
      () =>
        Effect.gen(function*() {
          const { hosts, servers } = yield* Five
          const happened = since(servers[4]!)
          yield* hosts[4]!.ip("link set eth0 down")
          yield* allFollow(servers.slice(0, 4), "n4")
          const told = (what: string) =>
            servers[4]!.until(() =>
              happened().find((event) => event.event === "NetworkChanged" && event.what.endsWith(what))
            )
          yield* told("is gone")
          yield* hosts[4]!.ip("link set eth0 up")
          yield* told("is back")
          yield* allFollow(servers, "n5")
        }),
      120_000
    )

    it.effect(
      "a host that loses multicast but not unicast stays, and elections reach it (needs 2, 6)",
      () =>
        Effect.gen(function*() {
          const { hosts, servers, start } = yield* Five
          const happened = servers.map(since)
          yield* hosts[1]!.run("iptables", "-A", "INPUT", "-d", group, "-j", "DROP")
          for (const name of ["n1", "n3", "n4", "n5"]) {
            yield* servers[1]!.until(() =>
              happened[1]!().find((event) => event.event === "UnicastOnly" && event.member.name === name)
            )
          }
          // Nobody was lost for it; and the next leader tells it so itself.
          assert.deepStrictEqual(happened.flatMap((events) => removedIn(events())), [])
          yield* servers[4]!.kill("SIGTERM")
          yield* allFollow(servers.slice(0, 4), "n4")
          yield* start(4)
          yield* allFollow(servers, "n5")
          yield* hosts[1]!.run("iptables", "-D", "INPUT", "-d", group, "-j", "DROP")
        }),
      120_000
    )

    it.effect(
      "where a fifth of all datagrams is lost they still agree, and a dead leader is replaced (needs 6, 9)",
      () =>
        Effect.gen(function*() {
          const { hosts, servers, start } = yield* Five
          const rule = [
            "INPUT",
            "-p",
            "udp",
            "-m",
            "statistic",
            "--mode",
            "random",
            "--probability",
            "0.2",
            "-j",
            "DROP"
          ]
          for (const host of hosts) yield* host.run("iptables", "-A", ...rule)
          yield* servers[4]!.kill("SIGKILL")
          yield* allFollow(servers.slice(0, 4), "n4")
          yield* start(4)
          yield* allFollow(servers, "n5")
          for (const host of hosts) yield* host.run("iptables", "-D", ...rule)
          yield* allFollow(servers, "n5")
        }),
      120_000
    )

    it.effect(
      "a server of a later wire version is a member, a follower and a leader like any other (need 25)",
      () =>
        Effect.gen(function*() {
          const { servers, start } = yield* Five
          yield* servers[4]!.kill("SIGTERM")
          yield* allFollow(servers.slice(0, 4), "n4")
          // It says fields and kinds that the others do not know, and each datagram once more in the next version.
          yield* start(4, { NODE_OPTIONS: `--import ${newer}` })
          yield* allFollow(servers, "n5")
          yield* seesAll(servers[4]!, "n1", "n2", "n3", "n4")
          yield* servers[4]!.kill("SIGTERM")
          assert.strictEqual((yield* servers[4]!.ended).code, 0)
          yield* allFollow(servers.slice(0, 4), "n4")
          assert.deepStrictEqual(
            servers.flatMap(({ events }) => events.filter(({ event }) => event === "FiberDied")),
            []
          )
        }),
      120_000
    )
  })
})

describe.skipIf(Lan.skip)(`hosts with several networks, or another one${Lan.because}`, () => {
  it.live(
    "two interfaces: both networks hear it, who is heard on both is one member, one that comes is joined (need 1)",
    () =>
      Effect.gen(function*() {
        const lan = yield* Lan.make
        const [both, twice, left, right] = yield* Effect.all([lan.host, lan.host, lan.host, lan.host])
        yield* both.plug("eth0", "br0", ["192.0.2.1/24"])
        // A bridge of containers is no network of the group, whatever its address.
        yield* both.ip("link add docker0 type bridge")
        yield* both.ip("addr add 172.17.0.1/16 dev docker0")
        yield* both.ip("link set docker0 up")
        yield* twice.plug("eth0", "br0", ["192.0.2.2/24"])
        yield* twice.plug("eth1", "br1", ["198.51.100.2/24"])
        yield* left.plug("eth0", "br0", ["192.0.2.3/24"])
        yield* right.plug("eth0", "br1", ["198.51.100.4/24"])
        const a = yield* both.start(flags("both", 4))
        const b = yield* twice.start(flags("twice", 3))
        const c = yield* left.start(flags("left", 2))
        const d = yield* right.start(flags("right", 1))
        yield* seesAll(a, "left", "twice")
        yield* both.plug("eth1", "br1", ["198.51.100.1/24"])
        yield* a.until(() =>
          a.events.find((event) => event.event === "NetworkChanged" && event.what === "eth1 198.51.100.1 came")
        )
        yield* allFollow([a, b, c, d], "both")
        yield* seesAll(a, "left", "right", "twice")
        yield* seesAll(b, "both", "left", "right")
        const joins = a.events.flatMap((event) => event.event === "MemberJoined" ? [event.member.name] : [])
        assert.strictEqual(joins.filter((name) => name === "twice").length, 1)
        const wrong = [a, b, c, d].flatMap(({ events }) =>
          events.filter(({ event }) => event === "DuplicateIdentity" || event === "FiberDied")
        )
        assert.deepStrictEqual(wrong, [])
      }),
    60_000
  )

  it.live(
    "IPv6 only: link-local addresses and nothing configured, from the first second of the link on (needs 1, 6)",
    () =>
      Effect.gen(function*() {
        const lan = yield* Lan.make
        const servers: Array<Process.Running> = []
        for (const [index, name] of ["one", "two", "three"].entries()) {
          const host = yield* lan.host
          yield* host.plug("eth0", "br0", [])
          servers.push(yield* host.start([...flags(name, index), "--multicast-address", "ff02::b011"]))
        }
        const [one, two, three] = servers as [Process.Running, Process.Running, Process.Running]
        yield* allFollow(servers, "three")
        yield* seesAll(one, "three", "two")
        const started = three.events.find((event) => event.event === "Started")
        assert.match(started?.self.ip ?? "", /^fe80::[0-9a-f:]+$/)
        yield* three.kill("SIGKILL")
        yield* allFollow([one, two], "two")
        const removed = yield* one.event("MemberRemoved", ({ member }) => member.name === "three")
        assert.include(["Crashed", "Silent"], removed.reason._tag)
      }),
    60_000
  )

  it.live("no multicast at all: seeds one of which lives (need 2)", () =>
    Effect.gen(function*() {
      const lan = yield* Lan.make
      const servers: Array<Process.Running> = []
      for (const [index, name] of ["one", "two", "three"].entries()) {
        const host = yield* lan.host
        yield* host.plug("eth0", "br0", [`192.0.2.${index + 1}/24`])
        yield* host.run("iptables", "-A", "OUTPUT", "-d", "224.0.0.0/4", "-j", "DROP")
        servers.push(
          yield* host.start([
            ...flags(name, index),
            "--multicast",
            "off",
            "--unicast-port",
            "47778",
            "--seeds",
            "192.0.2.99:47778,192.0.2.1:47778"
          ])
        )
      }
      const [one, two, three] = servers as [Process.Running, Process.Running, Process.Running]
      yield* allFollow(servers, "three")
      yield* seesAll(two, "one", "three")
      yield* three.kill("SIGTERM")
      yield* allFollow([one, two], "two")
    }), 120_000)

  it.live(
    "no network at all at the start, not even the loopback: it starts, leads alone, and joins when one comes (need 6)",
    () =>
      Effect.gen(function*() {
        const lan = yield* Lan.make
        const [early, other] = yield* Effect.all([lan.host, lan.host])
        yield* early.ip("link set lo down")
        yield* other.plug("eth0", "br0", ["192.0.2.2/24"])
        const a = yield* early.start(flags("early", 1))
        yield* a.event("NetworkChanged")
        yield* follows(a, "early")
        const b = yield* other.start(flags("other", 2))
        yield* early.plug("eth0", "br0", ["192.0.2.1/24"])
        yield* allFollow([a, b], "other")
        yield* seesAll(b, "early")
      }),
    60_000
  )
})

it.skipIf(Lan.obstacle === undefined)(
  "no hosts of their own can be made here, and CI as root would not let that pass",
  () => {
    assert.isString(Lan.obstacle)
  }
)
