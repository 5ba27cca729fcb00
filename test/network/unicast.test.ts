/**
 * Where multicast does not pass, or not any more: seeds, and a switch that forgets the group (protocol 4).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"
import { allFollow, allSeeAll, evicted, flags, sees, since } from "./Views.ts"

const port = "16984"
/** The options of one that is on its own port, speaks by unicast only, and looks for the group at these. */
const unicast = (name: string, priority: number, ...seeds: ReadonlyArray<string>) =>
  flags(name, priority, "--multicast", "off", "--unicast-port", port, "--seeds", seeds.join(","))
const seed = (ip: string) => ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`

const joined = (server: Process.Running, name: string) =>
  server.events.some((event) => event.event === "MemberJoined" && event.member.name === name)

/** A host that multicast neither leaves nor reaches. */
const deaf = (host: Lan.Host) =>
  Effect.forEach(["INPUT", "OUTPUT"], (chain) => host.run("iptables", "-A", chain, "-d", "224.0.0.0/4", "-j", "DROP"))

describe.skipIf(Lan.skip)(`hosts without multicast${Lan.because}`, Lan.together, () => {
  it.live(
    "a newcomer with one living seed of three learns the rest from it, and nobody needs that seed afterwards (need 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const seeds = ["192.0.2.98", "192.0.2.1", "192.0.2.99"].map(seed)
      const start = Effect.fnUntraced(function*(ip: string, name: string, priority: number) {
        const host = yield* lan.hostAt(`${ip}/24`)
        yield* deaf(host)
        return yield* host.start(unicast(name, priority, ...seeds))
      })
      const one = yield* start("192.0.2.1", "one", 1)
      const two = yield* start("192.0.2.2", "two", 2)
      const three = yield* start("192.0.2.3", "three", 3)
      yield* allFollow([one, two, three], "three")
      yield* allSeeAll({ one, two, three })
      const four = yield* start("192.0.2.4", "four", 4)
      yield* allFollow([one, two, three, four], "four")
      yield* allSeeAll({ one, two, three, four })
      yield* one.kill("SIGKILL")
      yield* allSeeAll({ two, three, four })
      yield* four.kill("SIGTERM")
      yield* allFollow([two, three], "three")
      assert.deepStrictEqual(evicted({ two, three }), [])
    }, Effect.scoped)
  )

  it.live(
    "the name of a seed is resolved again on each retry: when it is known at last, and when it is another's (need 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const host = yield* lan.hostAt("192.0.2.1/24")
      const first = yield* (yield* lan.hostAt("192.0.2.2/24")).start(unicast("first", 2))
      const server = yield* host.start(unicast("server", 1, `alpha:${port}`))
      const unresolved = yield* server.event("SeedUnresolved")
      assert.strictEqual(unresolved.seed, `alpha:${port}`)
      assert.deepStrictEqual(sees(server), [])
      yield* host.names(["192.0.2.2 alpha"])
      yield* allSeeAll({ server, first })
      yield* allFollow([server, first], "first")
      yield* first.kill("SIGKILL")
      yield* allSeeAll({ server })
      const second = yield* (yield* lan.hostAt("192.0.2.3/24")).start(unicast("second", 2))
      yield* host.names(["192.0.2.3 alpha"])
      yield* allSeeAll({ server, second })
      yield* allFollow([server, second], "second")
    }, Effect.scoped)
  )

  it.live(
    "two halves that were started apart merge when one hears of both (need 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const start = Effect.fnUntraced(function*(at: number, ...seeds: ReadonlyArray<number>) {
        const host = yield* lan.hostAt(`192.0.2.${at}/24`)
        return yield* host.start(unicast(`n${at}`, at, ...seeds.map((at) => seed(`192.0.2.${at}`))))
      })
      const [n1, n2] = [yield* start(1), yield* start(2, 1)]
      const [n3, n4] = [yield* start(3), yield* start(4, 3)]
      yield* allFollow([n1, n2], "n2")
      yield* allFollow([n3, n4], "n4")
      yield* allSeeAll({ n1, n2 })
      yield* allSeeAll({ n3, n4 })
      const n5 = yield* start(5, 1, 3)
      yield* allSeeAll({ n1, n2, n3, n4, n5 })
      yield* allFollow([n1, n2, n3, n4, n5], "n5")
      assert.deepStrictEqual(evicted({ n1, n2, n3, n4, n5 }), [])
    }, Effect.scoped)
  )

  it.live(
    "multicast and seeds together: one that no multicast reaches is in the group by its seed, here of IPv6 with a zone (need 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const meeting = ["--multicast-address", "ff02::b011"]
      const first = yield* lan.hostAt()
      const one = yield* first.start(flags("one", 1, ...meeting, "--unicast-port", port))
      const two = yield* (yield* lan.hostAt()).start(flags("two", 2, ...meeting))
      yield* allSeeAll({ one, two })
      const cut = yield* lan.hostAt()
      for (const chain of ["INPUT", "OUTPUT"]) {
        yield* cut.run("ip6tables", "-A", chain, "-d", "ff02::b011", "-j", "DROP")
      }
      const three = yield* cut.start(
        flags("three", 3, ...meeting, "--seeds", seed(`${yield* first.linkLocal("eth0")}%eth0`))
      )
      yield* allSeeAll({ one, two, three })
      yield* allFollow([one, two, three], "three")
      // For longer than a time-out, as all say who do not hear it by multicast.
      for (const server of [one, two]) yield* server.event("UnicastOnly", ({ member }) => member.name === "three")
      yield* three.event("UnicastOnly", ({ member }) => member.name === "two")
      yield* two.kill("SIGTERM")
      yield* allSeeAll({ one, three })
      assert.deepStrictEqual(evicted({ one, two, three }), [])
    }, Effect.scoped)
  )
})

describe.skipIf(Lan.skip)(`hosts on networks with a router between them${Lan.because}`, Lan.together, () => {
  it.live(
    "are one group by one seed where each names the others' network; who is on no network that is named is not heard (need 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const router = yield* lan.hostAt("192.0.2.254/24")
      yield* router.plug("eth1", "br1", ["198.51.100.254/24"])
      yield* router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
      const near = Effect.fnUntraced(function*(ip: string, ...args: Parameters<typeof unicast>) {
        const host = yield* lan.hostAt(`${ip}/24`)
        yield* host.ip("route add default via 192.0.2.254")
        return yield* host.start([...unicast(...args), "--networks", "198.51.100.0/28"])
      })
      const far = Effect.fnUntraced(function*(ip: string, ...args: Parameters<typeof unicast>) {
        const host = yield* lan.host
        yield* host.plug("eth0", "br1", [`${ip}/24`])
        yield* host.ip("route add default via 198.51.100.254")
        return yield* host.start([...unicast(...args), "--networks", "192.0.2.0/24"])
      })
      const one = yield* near("192.0.2.1", "one", 1, seed("192.0.2.1"))
      const distant = yield* far("198.51.100.77", "distant", 9, seed("192.0.2.1"))
      // It has asked the seed in vain for as long as it asks at the start.
      yield* allFollow([distant], "distant")
      const two = yield* far("198.51.100.2", "two", 2, seed("192.0.2.1"))
      const three = yield* near("192.0.2.3", "three", 3, seed("192.0.2.1"))
      yield* allSeeAll({ one, two, three })
      yield* allFollow([one, two, three], "three")
      yield* three.kill("SIGTERM")
      yield* allFollow([one, two], "two")
      yield* one.kill("SIGKILL")
      yield* allSeeAll({ two })
      for (const server of [one, two, three]) assert.isFalse(joined(server, "distant"))
      assert.isFalse(joined(distant, "one"))
    }, Effect.scoped)
  )
})

describe.skipIf(Lan.skip)(`a host beyond a router${Lan.because}`, Lan.together, () => {
  it.live(
    "is not heard by unicast to the group's port either (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const router = yield* lan.hostAt("192.0.2.254/24")
      yield* router.plug("eth1", "br1", ["203.0.113.254/24"])
      yield* router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
      const near = yield* lan.hostAt("192.0.2.1/24")
      yield* near.ip("route add default via 192.0.2.254")
      const far = yield* lan.host
      yield* far.plug("eth0", "br1", ["203.0.113.66/24"])
      yield* far.ip("route add default via 203.0.113.254")
      const groupPort = ["--port", "41999"]
      const one = yield* near.start(flags("one", 1, ...groupPort))
      yield* allFollow([one], "one")
      yield* near.run("iptables", "-A", "INPUT", "-s", "203.0.113.66", "-p", "udp", "--dport", "41999", "-j", "ACCEPT")
      const distant = yield* far.start([...unicast("distant", 9, "192.0.2.1:41999"), ...groupPort])
      // It has asked in vain for as long as it asks at the start, and was there.
      yield* allFollow([distant], "distant")
      assert.notMatch(yield* near.run("iptables", "-L", "INPUT", "-v", "-n", "-x"), /^ +0 .* dpt:41999/m)
      const two = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("two", 2, ...groupPort))
      yield* allSeeAll({ one, two })
      yield* allFollow([one, two], "two")
      for (const server of [one, two]) assert.isFalse(joined(server, "distant"))
    }, Effect.scoped)
  )

  it.live(
    "is found by a seed of IPv6, and one on the same link too, however that is spelt, and each is told once (protocol 4)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const router = yield* lan.hostAt("fd51::fe/64")
      yield* router.plug("eth1", "br1", ["fd52::fe/64"])
      yield* router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
      const start = Effect.fnUntraced(function*(name: string, bridge: string, ip: string, gateway: string) {
        const host = yield* lan.host
        yield* host.plug("eth0", bridge, [`${ip}/64`])
        yield* host.ip(`-6 route add default via ${gateway}`)
        const seeds = ["[FD51:0::1]", "[fd51:0:0:0::0002]", "[FD52:0000::2]"].map((ip) => `${ip}:${port}`)
        return yield* host.start(unicast(name, name.length, ...seeds).concat("--multicast-address", "ff05::b011"))
      })
      const one = yield* start("one", "br0", "fd51::1", "fd51::fe")
      const two = yield* start("second", "br0", "fd51::2", "fd51::fe")
      const far = yield* start("farther", "br1", "fd52::2", "fd52::fe")
      yield* allSeeAll({ one, second: two, farther: far })
      yield* allFollow([one, two, far], "farther")
    }, Effect.scoped)
  )
})

describe.skipIf(Lan.skip)(`a switch that forgets the group${Lan.because}`, Lan.together, () => {
  it.live(
    "loses no member: they are kept by unicast both ways, which is told, and elections reach all (need 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const one = yield* (yield* lan.hostAt("192.0.2.1/24")).start(flags("one", 1))
      const two = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("two", 2))
      const three = yield* (yield* lan.hostAt("192.0.2.3/24")).start(flags("three", 3))
      const servers = { one, two, three }
      yield* allFollow(Object.values(servers), "three")
      yield* allSeeAll(servers)
      const happened = Object.entries(servers).map(([name, server]) => ({ name, server, events: since(server) }))
      yield* lan.forgetGroups
      for (const { events, name, server } of happened) {
        for (const other of Object.keys(servers)) {
          if (other === name) continue
          yield* server.until(() =>
            events().find((event) => event.event === "UnicastOnly" && event.member.name === other)
          )
        }
      }
      assert.deepStrictEqual(evicted(servers), [])
      yield* three.kill("SIGTERM")
      yield* allFollow([one, two], "two")
      assert.deepStrictEqual(evicted({ one, two }), [])
    }, Effect.scoped)
  )
})
