/**
 * Which networks a server is on, as they come, go and fail, in IPv4 and IPv6 (protocol 2).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { randomInt } from "node:crypto"
import { createSocket, type Socket } from "node:dgram"
import * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"
import { allFollow, allSeeAll, evicted, flags, follows, seesAll, since, tells } from "./Views.ts"

const ipv4 = "239.255.253.87"
const ipv6 = "ff02::b011"

const wrong = (servers: Readonly<Record<string, Process.Running>>) =>
  Object.values(servers).flatMap(({ events }) =>
    events.filter(({ event }) => event === "DuplicateIdentity" || event === "FiberDied")
  )

/** How many files a process may have open from now on; those that are open stay. */
const allowFiles = (server: Process.Running, files: number) =>
  execFileSync("prlimit", ["--pid", String(server.child.pid), `--nofile=${files}:4096`])

/** How often each has become a member here. */
const joins = (server: Process.Running, name: string) =>
  server.events.filter((event) => event.event === "MemberJoined" && event.member.name === name).length

describe.skipIf(Lan.skip)(`hosts on several networks${Lan.because}`, Lan.together, () => {
  it.live(
    "two interfaces: both networks hear it, one that comes is joined, who is heard on both is one member, and stays when one network fails (need 1)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const [atBoth, atTwice, atLeft] = [
        yield* lan.hostAt("192.0.2.1/24"),
        yield* lan.hostAt("192.0.2.2/24"),
        yield* lan.hostAt("192.0.2.3/24")
      ]
      const atRight = yield* lan.host
      yield* atTwice.plug("eth1", "br1", ["198.51.100.2/24"])
      yield* atRight.plug("eth0", "br1", ["198.51.100.4/24"])
      const both = yield* atBoth.start(flags("both", 4))
      const twice = yield* atTwice.start(flags("twice", 3))
      const left = yield* atLeft.start(flags("left", 2))
      const right = yield* atRight.start(flags("right", 1))
      const servers = { both, twice, left, right }
      yield* seesAll(both, "left", "twice")
      yield* atBoth.plug("eth1", "br1", ["198.51.100.1/24"])
      yield* tells(both, () => both.events, "eth1 198.51.100.1 came")
      yield* allFollow(Object.values(servers), "both")
      yield* seesAll(both, "left", "right", "twice")
      yield* seesAll(twice, "both", "left", "right")
      assert.strictEqual(joins(both, "twice"), 1)
      assert.strictEqual(joins(twice, "both"), 1)

      // The switch of one network fails for one of them; its link is up all the time.
      yield* lan.disconnect(atTwice, "eth0")
      yield* left.event("LinkMissing", ({ member, through }) => member.name === "twice" && through?.name === "both")
      yield* seesAll(left, "both", "twice")
      assert.deepStrictEqual(evicted({ both, left, twice }), [])
      assert.strictEqual(joins(both, "twice"), 1)
      assert.deepStrictEqual(wrong(servers), [])
    }, Effect.scoped)
  )

  it.live(
    "each interface is joined, and spoken from, in IPv6 also where it has no address of the link (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const host = yield* lan.host
      // The system takes the first one for what is multicast unless it is told which.
      yield* host.plug("eth0", "br1", ["fd51::1/64"])
      yield* host.plug("eth1", "br0", ["fd52::1/64"])
      for (const device of ["eth0", "eth1"]) yield* host.ip(`-6 addr flush dev ${device} scope link`)
      const other = yield* lan.hostAt("fd52::2/64")
      const one = yield* host.start(flags("one", 2, "--multicast-address", "ff05::b011"))
      const two = yield* other.start(flags("two", 1, "--multicast-address", "ff05::b011"))
      yield* allFollow([one, two], "one")
      yield* allSeeAll({ one, two })
      assert.deepStrictEqual(wrong({ one, two }), [])
    }, Effect.scoped)
  )

  it.live(
    "an interface that is renamed is the same one: its server is heard as before, and is no duplicate of itself (protocol 2, 4)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const host = yield* lan.hostAt("fe80::1/64")
      const one = yield* host.start(flags("one", 2, "--multicast-address", ipv6))
      const two = yield* (yield* lan.hostAt("fe80::2/64")).start(flags("two", 1, "--multicast-address", ipv6))
      yield* allFollow([one, two], "one")
      const happened = since(one)
      yield* host.ip("link set eth0 down")
      yield* host.ip("link set eth0 name lan0")
      yield* host.ip("addr replace fe80::1/64 dev lan0 nodad")
      yield* host.ip("link set lan0 up")
      yield* tells(one, happened, "lan0 fe80::1%lan0 is back")
      // Who comes now hears it where it is: by then it has heard itself, too.
      const three = yield* (yield* lan.hostAt("fe80::3/64")).start(flags("three", 0, "--multicast-address", ipv6))
      yield* allSeeAll({ one, two, three })
      yield* allFollow([one, two, three], "one")
      assert.deepStrictEqual(wrong({ one, two, three }), [])
    }, Effect.scoped)
  )

  it.live(
    "bridges and links of containers are kept out, unless they are named (need 1)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const host = yield* lan.hostAt("192.0.2.1/24")
      // As Docker does it: a bridge, and the host's end of the link into a container on it.
      const devices = { docker0: "172.17.0.1/16", "br-0a1b2c3d4e5f": "172.18.0.1/16" }
      for (const [index, [bridge, address]] of Object.entries(devices).entries()) {
        yield* host.ip(`link add ${bridge} type bridge`)
        yield* host.ip(`addr add ${address} dev ${bridge}`)
        yield* host.ip(`link add veth${index} type veth peer name inner${index}`)
        yield* host.ip(`link set veth${index} master ${bridge}`)
        for (const device of [`veth${index}`, `inner${index}`, bridge]) yield* host.ip(`link set ${device} up`)
      }
      yield* host.ip("link add veth9 type veth peer name lxc9")
      for (const device of ["veth9", "lxc9"]) yield* host.ip(`link set ${device} up`)
      yield* host.ip("addr add 169.254.9.9/16 dev veth9")
      /** The devices on which somebody on this host is in the group. */
      const joined = Effect.map(host.ip("maddr show"), (text) => {
        let device = ""
        const found: Array<string> = []
        for (const line of text.split("\n")) {
          device = /^\d+:\s+(\S+)/.exec(line)?.[1] ?? device
          if (line.includes(ipv4)) found.push(device)
        }
        return found
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* host.start(flags("only", 1))
        yield* follows(server, "only")
        assert.deepStrictEqual(yield* joined, ["eth0"])
      }))
      const server = yield* host.start(flags("named", 1, "--interfaces", "docker0,eth0"))
      yield* follows(server, "named")
      assert.sameMembers([...yield* joined], ["docker0", "eth0"])
    }, Effect.scoped)
  )

  it.live(
    "peers on a second network of one interface, and hosts of one address each with a route on the link, are one group (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const both = yield* (yield* lan.hostAt("192.0.2.1/24", "198.51.100.1/24")).start(flags("both", 3))
      const second = yield* lan.hostAt("198.51.100.2/24")
      const other = yield* second.start(flags("other", 2))
      const hosts = [yield* lan.hostAt("203.0.113.1/32"), yield* lan.hostAt("203.0.113.2/32")] as const
      for (const host of hosts) yield* host.ip("route add 203.0.113.0/24 dev eth0")
      const alone = [
        "--group",
        "alone",
        "--multicast",
        "off",
        "--unicast-port",
        "47778",
        "--seeds",
        "203.0.113.1:47778"
      ]
      const one = yield* hosts[0].start(flags("one", 1, ...alone))
      const two = yield* hosts[1].start(flags("two", 2, ...alone))
      yield* allFollow([one, two], "two")
      yield* allSeeAll({ one, two })
      yield* allFollow([both, other], "both")
      yield* allSeeAll({ both, other })
      // Without multicast it is kept by the address that it can answer.
      const happened = since(other)
      yield* second.run("iptables", "-A", "INPUT", "-d", "224.0.0.0/4", "-j", "DROP")
      yield* other.until(() => happened().find(({ event }) => event === "UnicastOnly"))
      assert.deepStrictEqual(evicted({ both, other }), [])
    }, Effect.scoped)
  )

  it.live(
    "the bridge that is the LAN is used though its name is like one of Docker's, and Docker's own is not (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const host = yield* lan.hostAt()
      yield* host.ip("link add br-lan type bridge mcast_snooping 0")
      yield* host.ip("link set eth0 master br-lan")
      yield* host.ip("link set br-lan up")
      yield* host.ip("addr add 192.0.2.1/24 dev br-lan")
      const bridged = yield* host.start(flags("bridged", 1))
      const other = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("other", 2))
      yield* allFollow([bridged, other], "other")
      const docked = yield* lan.host
      yield* docked.ip("link add br-0a1b2c3d4e5f type bridge")
      yield* docked.ip("link add veth0 type veth peer name inner0")
      yield* docked.ip("link set veth0 master br-0a1b2c3d4e5f")
      for (const device of ["veth0", "inner0", "br-0a1b2c3d4e5f"]) yield* docked.ip(`link set ${device} up`)
      yield* docked.ip("addr add 172.18.0.1/16 dev br-0a1b2c3d4e5f")
      const inner = yield* docked.start(flags("inner", 1))
      yield* tells(inner, () => inner.events, "only the loopback is used: br-0a1b2c3d4e5f 172.18.0.1 left out")
    }, Effect.scoped)
  )

  it.live(
    "more interfaces than one socket may join are told once, named ones too, and heard when the system allows it (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const host = yield* lan.host
      yield* host.run("sysctl", "-w", "net.ipv4.igmp_max_memberships=1")
      yield* host.plug("eth0", "br0", ["192.0.2.1/24"])
      yield* host.plug("eth1", "br1", ["198.51.100.1/24"])
      const server = yield* host.start(flags("server", 2, "--interfaces", "eth0,eth1"))
      const far = yield* lan.host
      yield* far.plug("eth0", "br1", ["198.51.100.2/24"])
      const other = yield* far.start(flags("other", 1))
      const told = yield* tells(server, () => server.events, "join failed on eth1 198.51.100.1")
      assert.match(
        told.event === "NetworkChanged" ? told.what : "",
        /igmp_max_memberships.*TooManyMemberships \(addMembership ENOBUFS\)/
      )
      yield* allFollow([server, other], "server")
      yield* server.until(() => server.events.find(({ event }) => event === "UnicastOnly"))
      yield* host.run("sysctl", "-w", "net.ipv4.igmp_max_memberships=20")
      yield* tells(server, () => server.events, "multicast is heard on all interfaces")
      assert.lengthOf(server.events.filter((event) => event.event === "NetworkChanged"), 2)
      assert.deepStrictEqual(evicted({ other, server }), [])
    }, Effect.scoped)
  )

  it.live(
    "an address that another host has gives way to another of its interface (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const hosts = [yield* lan.hostAt("fd51::ff/64"), yield* lan.hostAt()] as const
      yield* hosts[1].ip("addr add fd51::2/64 dev eth0 nodad")
      yield* hosts[1].ip("addr add fd51::ff/64 dev eth0")
      yield* hosts[0].ip("addr add fd51::1/64 dev eth0 nodad")
      yield* Effect.repeat(hosts[1].ip("-6 -o addr show dev eth0"), {
        schedule: Schedule.spaced("50 millis"),
        until: (text) => text.includes("dadfailed"),
        times: 400
      })
      const groupAt = ["--multicast-address", "ff05::b011"]
      const one = yield* hosts[0].start(flags("one", 1, ...groupAt))
      const two = yield* hosts[1].start(flags("two", 2, ...groupAt))
      yield* allFollow([one, two], "two")
      yield* allSeeAll({ one, two })
      assert.strictEqual((yield* two.event("Started")).self.ip, "fd51::2")
    }, Effect.scoped)
  )

  it.live(
    "IPv6 only: link-local addresses and nothing configured, from the first second of the link on (needs 1, 6)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const more = ["--multicast-address", ipv6]
      const one = yield* (yield* lan.hostAt()).start(flags("one", 1, ...more))
      const two = yield* (yield* lan.hostAt()).start(flags("two", 2, ...more))
      const three = yield* (yield* lan.hostAt()).start(flags("three", 3, ...more))
      yield* allFollow([one, two, three], "three")
      yield* allSeeAll({ one, two, three })
      const started = three.events.find((event) => event.event === "Started")
      assert.match(started?.self.ip ?? "", /^fe80::[0-9a-f:]+$/)
      yield* three.kill("SIGKILL")
      yield* allFollow([one, two], "two")
      const removed = yield* one.event("MemberRemoved", ({ member }) => member.name === "three")
      assert.include(["Crashed", "Silent"], removed.reason._tag)
    }, Effect.scoped)
  )

  it.live(
    "IPv4 and IPv6 at once: each is one member, and nobody is lost when the multicast of either stops (need 1)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const hosts = [
        yield* lan.hostAt("192.0.2.1/24"),
        yield* lan.hostAt("192.0.2.2/24"),
        yield* lan.hostAt("192.0.2.3/24")
      ] as const
      const groupAt = (address: string) => ["--multicast-address", address]
      const one = yield* hosts[0].start(flags("one", 3, ...groupAt(`${ipv4},${ipv6}`)))
      const two = yield* hosts[1].start(flags("two", 4, ...groupAt(`${ipv4},${ipv6}`)))
      // Each of these knows one family only: by it we see that multicast of that family was away for longer than a time-out.
      const four = yield* hosts[2].start(flags("four", 2, ...groupAt(ipv4)))
      const six = yield* hosts[2].start(flags("six", 1, ...groupAt(ipv6)))
      const servers = { one, two, four, six }
      yield* allFollow(Object.values(servers), "two")
      yield* seesAll(one, "four", "six", "two")
      yield* seesAll(two, "four", "one", "six")
      for (const [tool, address, witness] of [["iptables", ipv4, four], ["ip6tables", ipv6, six]] as const) {
        const happened = since(witness)
        for (const host of hosts) yield* host.run(tool, "-A", "INPUT", "-d", address, "-j", "DROP")
        for (const name of ["one", "two"]) {
          yield* witness.until(() =>
            happened().find((event) => event.event === "UnicastOnly" && event.member.name === name)
          )
        }
        assert.deepStrictEqual(evicted(servers), [])
        for (const [server, other] of [[one, "two"], [two, "one"]] as const) {
          assert.strictEqual(joins(server, other), 1)
          assert.isFalse(
            server.events.some((event) => event.event === "UnicastOnly" && event.member.name === other)
          )
        }
        for (const host of hosts) yield* host.run(tool, "-D", "INPUT", "-d", address, "-j", "DROP")
      }
      assert.deepStrictEqual(wrong(servers), [])
      yield* two.kill("SIGTERM")
      yield* allFollow([one, four, six], "one")
    }, Effect.scoped)
  )
})

describe.skipIf(Lan.skip)(
  `a network that fails is told and tried again, and ends nothing${Lan.because}`,
  Lan.together,
  () => {
    it.live(
      "unreachable: a system that refuses to send is told once, and the group is whole when it does again (need 6)",
      Effect.fnUntraced(function*() {
        const lan = yield* Lan.make
        const host = yield* lan.hostAt("192.0.2.1/24")
        const other = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("other", 2, "--multicast-address", ipv6))
        // The system sets the route for multicast anew while it still asks whether the address is another's.
        yield* Effect.repeat(host.ip("-6 -o addr show dev eth0 scope link"), {
          schedule: Schedule.spaced("20 millis"),
          until: (text) => text.includes("fe80:") && !text.includes("tentative"),
          times: 1_000
        })
        // No route for multicast: sending it is refused with ENETUNREACH.
        yield* host.ip("-6 route flush table local ff00::/8")
        const server = yield* host.start(flags("server", 1, "--multicast-address", ipv6))
        const told = yield* tells(server, () => server.events, "Unreachable")
        assert.include(told.event === "NetworkChanged" ? told.what : "", `[${ipv6}]:16983 from eth0`)
        yield* follows(server, "server")
        yield* host.ip("-6 route add multicast ff00::/8 dev eth0 table local")
        yield* allFollow([server, other], "other")
        const again = server.events.filter((event) =>
          event.event === "NetworkChanged" && event.what.includes("Unreach")
        )
        assert.lengthOf(again, 1)
      }, Effect.scoped)
    )

    it.live(
      "out of descriptors: it is told once, nobody is removed, nothing is gone, and it is told when that is over (protocol 2, 4)",
      Effect.fnUntraced(function*() {
        const lan = yield* Lan.make
        // A busy machine may keep a server from running for longer than the profile `fast` takes for a pause.
        // Crash links, which open sockets when they change, would tell of it too.
        const patient = ["--heartbeat-interval", "1s", "--member-timeout", "3s", "--links", "off"]
        const server = yield* (yield* lan.hostAt("192.0.2.1/24")).start(flags("server", 2, ...patient))
        const other = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("other", 1, ...patient))
        yield* allFollow([server, other], "server")
        yield* allSeeAll({ server, other })
        const happened = since(server)
        allowFiles(server, 0)
        // A scan that was under way has opened its files, and is refused at the next thing it asks for.
        yield* tells(server, happened, "scan failed on the interfaces of this host: OutOfDescriptors (")
        // Longer than a member may be silent.
        const heard = since(other)
        yield* other.until(() => heard().find(({ event }) => event === "MemberRemoved")).pipe(
          Effect.timeoutOption("5 seconds")
        )
        allowFiles(server, 1_024)
        yield* tells(server, happened, "the interfaces of this host are known again")
        assert.deepStrictEqual(happened().map(({ event }) => event), ["NetworkChanged", "NetworkChanged"])
        assert.deepStrictEqual(heard(), [])
      }, Effect.scoped)
    )

    it.live(
      "no such device: one that is taken out, though it is named, is waited for, and joined when it is back (needs 1, 6)",
      Effect.fnUntraced(function*() {
        const lan = yield* Lan.make
        const host = yield* lan.hostAt("192.0.2.1/24")
        const server = yield* host.start(flags("server", 1, "--interfaces", "eth0"))
        const other = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("other", 2))
        yield* allFollow([server, other], "other")
        const happened = since(server)
        yield* host.ip("link delete eth0")
        yield* tells(server, happened, "eth0 192.0.2.1 is gone")
        yield* follows(server, "server")
        yield* host.plug("eth0", "br0", ["192.0.2.1/24"])
        yield* tells(server, happened, "eth0 192.0.2.1 is back")
        yield* allFollow([server, other], "other")
      }, Effect.scoped)
    )

    it.live(
      "no such device at the start: what is there of the named is used, and the rest when it comes; without any it waits (need 6)",
      Effect.fnUntraced(function*() {
        const lan = yield* Lan.make
        const host = yield* lan.hostAt("192.0.2.1/24")
        const one = yield* host.start(flags("one", 1, "--interfaces", "eth0,eth1"))
        yield* tells(one, () => one.events, "eth1 (there is: lo 127.0.0.1, eth0 192.0.2.1)")
        yield* follows(one, "one")
        const bare = yield* lan.host
        const two = yield* bare.start(flags("two", 2, "--interfaces", "eth1"))
        yield* tells(two, () => two.events, "the server starts when it opens")
        assert.notInclude(two.events.map(({ event }) => event), "Started")
        yield* bare.plug("eth1", "br1", ["198.51.100.2/24"])
        yield* follows(two, "two")
        const happened = since(one)
        yield* host.plug("eth1", "br1", ["198.51.100.1/24"])
        yield* tells(one, happened, "eth1 198.51.100.1 came")
        yield* allFollow([one, two], "two")
      }, Effect.scoped)
    )

    it.live(
      "no network at all at the start, not even the loopback: it starts, leads alone, and joins when one comes (need 6)",
      Effect.fnUntraced(function*() {
        const lan = yield* Lan.make
        const host = yield* lan.host
        yield* host.ip("link set lo down")
        const early = yield* host.start(flags("early", 1))
        yield* tells(early, () => early.events, "NoSuchInterface")
        yield* follows(early, "early")
        const other = yield* (yield* lan.hostAt("192.0.2.2/24")).start(flags("other", 2))
        yield* host.plug("eth0", "br0", ["192.0.2.1/24"])
        yield* allFollow([early, other], "other")
        yield* allSeeAll({ early, other })
      }, Effect.scoped)
    )

    it.live(
      "only the loopback at the start: a network that comes later is joined, and joined again after it was gone (needs 1, 6)",
      Effect.fnUntraced(function*() {
        const lan = yield* Lan.make
        const hosts = [yield* lan.host, yield* lan.host] as const
        const one = yield* hosts[0].start(flags("one", 1))
        const two = yield* hosts[1].start(flags("two", 2))
        for (const [name, server] of Object.entries({ one, two })) {
          yield* follows(server, name)
          assert.strictEqual((yield* server.event("Started")).self.ip, "127.0.0.1")
        }
        yield* hosts[0].plug("eth0", "br0", ["192.0.2.1/24"])
        yield* hosts[1].plug("eth0", "br0", ["192.0.2.2/24"])
        yield* allSeeAll({ one, two })
        yield* allFollow([one, two], "two")
        const happened = since(two)
        yield* hosts[1].ip("link set eth0 down")
        yield* tells(two, happened, "eth0 192.0.2.2 is gone")
        yield* follows(one, "one")
        yield* hosts[1].ip("link set eth0 up")
        yield* tells(two, happened, "eth0 192.0.2.2 is back")
        yield* allSeeAll({ one, two })
        yield* allFollow([one, two], "two")
      }, Effect.scoped)
    )
  }
)

/** A program that has a port to itself until `scope` closes. */
const occupy = (ip: string, port: number, scope: Scope.Scope) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4")
      socket.bind(port, ip, () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close())
  ).pipe(Scope.provide(scope))

it.live(
  "address in use: a program that keeps the group's port for itself is told and waited for (need 6)",
  Effect.fnUntraced(function*() {
    const env = yield* Process.group
    const thief = yield* Scope.make()
    yield* occupy("0.0.0.0", Number(env["BELLWETHER_PORT"]), thief)
    const one = yield* Process.start(flags("one", 1), env)
    const two = yield* Process.start(flags("two", 2), env)
    for (const [name, server] of Object.entries({ one, two })) {
      yield* tells(server, () => server.events, "AddressInUse")
      // They do not hear each other: each leads alone.
      yield* follows(server, name)
    }
    yield* Scope.close(thief, Exit.void)
    yield* allFollow([one, two], "two")
    yield* allSeeAll({ one, two })
  }, Effect.scoped)
)

it.live(
  "address in use: a server whose own port is another's says so once, starts when it is free, and leads nobody before (need 6)",
  Effect.fnUntraced(function*() {
    const env = yield* Process.group
    const port = randomInt(10_000, 32_000)
    const thief = yield* Scope.make()
    yield* occupy("127.0.0.1", port, thief)
    const server = yield* Process.start(flags("late", 1, "--unicast-port", String(port)), env)
    const told = yield* tells(server, () => server.events, "AddressInUse")
    // It has tried again meanwhile: another server has found that it is alone.
    yield* follows(yield* Process.start(flags("other", 2), env), "other")
    assert.deepStrictEqual(server.events, [told])
    yield* Scope.close(thief, Exit.void)
    const started = yield* server.event("Started")
    assert.strictEqual(started.self.port, port)
    yield* follows(server, "other")
  }, Effect.scoped)
)
