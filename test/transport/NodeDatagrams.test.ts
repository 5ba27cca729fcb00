import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import dgram from "node:dgram"
import { once } from "node:events"
import { syncBuiltinESMExports } from "node:module"
import * as Os from "node:os"
import {
  Datagrams,
  DatagramsFailed,
  type Endpoint,
  type Options,
  type Received
} from "../../src/transport/Datagrams.ts"
import { Interfaces, type System, systemOf } from "../../src/transport/interfaces/Interfaces.ts"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"
import * as NodeDatagrams from "../../src/transport/node/NodeDatagrams.ts"

// Below the ports that the system hands out by itself, so that no private port of another test is in the way.
const options = (): Options => ({
  multicastAddress: [{ ip: `239.255.${randomInt(256)}.${randomInt(1, 255)}`, family: "IPv4", linkLocal: false }],
  port: randomInt(10_000, 32_000),
  ttl: 0,
  interfaces: ["lo"],
  unicastPort: 0
})
const open = (options: Options) => Effect.flatMap(Datagrams, (datagrams) => datagrams.open(options))
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (received: Received) => new TextDecoder().decode(received.payload)

/** Waits for a datagram with these words; earlier ones are passed over. */
const hear = (endpoint: Endpoint, words: string) =>
  endpoint.receive.pipe(
    Effect.map((batch) => batch.find((received) => text(received) === words)),
    Effect.repeat({ until: (received) => received !== undefined }),
    Effect.timeout("10 seconds")
  )

/** Sends until it is heard: while a socket is being opened anew, datagrams may be lost and sends may fail. */
const hearSoon = (endpoint: Endpoint, words: string, send: Effect.Effect<void, DatagramsFailed>) =>
  Effect.raceFirst(
    hear(endpoint, words),
    Effect.ignore(send).pipe(Effect.andThen(Effect.sleep("10 millis")), Effect.forever)
  )

const bindAlone = (port: number, address: string) =>
  Effect.acquireRelease(
    Effect.callback<dgram.Socket, unknown>((resume) => {
      const socket = dgram.createSocket("udp4")
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.bind(port, address, () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close())
  )

/** The sockets that are created from now on, so that a test can do to them what a system would. */
const watchSockets = Effect.acquireRelease(
  Effect.sync(() => {
    const created: Array<dgram.Socket> = []
    const { createSocket } = dgram
    dgram.createSocket = ((...args: Parameters<typeof createSocket>) => {
      const socket = createSocket(...args)
      created.push(socket)
      return socket
    }) as typeof createSocket
    syncBuiltinESMExports()
    return { created, createSocket }
  }),
  ({ createSocket }) =>
    Effect.sync(() => {
      dgram.createSocket = createSocket
      syncBuiltinESMExports()
    })
)

const udpHandles = () => process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length
/** Node lets go of a closed socket a turn later. */
const noSockets = Effect.sync(udpHandles).pipe(
  Effect.delay("1 millis"),
  Effect.repeat({ until: (handles) => handles === 0 }),
  Effect.timeout("10 seconds")
)

describe("datagrams over real sockets", () => {
  it.live("two endpoints on one port hear each other's multicast (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = options()
      const a = yield* open(shared)
      const b = yield* open(shared)
      yield* a.multicast(bytes("from a"))
      yield* b.multicast(bytes("from b"))
      const heard = yield* hear(b, "from a")
      assert.strictEqual(heard.via, "multicast")
      assert.deepStrictEqual(heard.from, { ip: "127.0.0.1", port: a.local[0].port })
      assert.deepStrictEqual((yield* hear(a, "from b")).from.port, b.local[0].port)
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("own multicast is looped back (protocol 2)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      yield* a.multicast(bytes("myself"))
      assert.strictEqual((yield* hear(a, "myself")).from.port, a.local[0].port)
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("another group on the same host is not reached by unicast, and each unicast socket has a port of its own (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = options()
      const a = yield* open(shared)
      const b = yield* open(shared)
      const c = yield* open(shared)
      assert.strictEqual(new Set([a, b, c].map((one) => one.local[0].port)).size, 3)
      yield* a.unicast(b.local[0], bytes("to b"))
      yield* a.unicast(c.local[0], bytes("to c"))
      const heard = yield* hear(b, "to b")
      assert.strictEqual(heard.via, "unicast")
      assert.deepStrictEqual(heard.from, { ip: "127.0.0.1", port: a.local[0].port })
      assert.deepStrictEqual((yield* c.receive).map(text), ["to c"])
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a private port can be given, and a second endpoint is refused it (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = { ...options(), unicastPort: randomInt(10_000, 32_000) }
      const a = yield* open(shared)
      assert.deepStrictEqual(a.local, [{ ip: "127.0.0.1", port: shared.unicastPort, interface: "lo" }])
      const failed = yield* Effect.flip(open(shared))
      assert.strictEqual(failed.kind, "AddressInUse")
      assert.include(failed.where, "lo 127.0.0.1")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a group port that someone keeps for himself is told, and taken when it is free (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = options()
      const thief = yield* Scope.make()
      yield* bindAlone(shared.port, "0.0.0.0").pipe(Scope.provide(thief))
      const a = yield* open(shared)
      const failed = yield* a.troubles
      assert.deepInclude(failed, { kind: "AddressInUse", during: "open" })
      assert.include(failed.where, `${shared.multicastAddress[0]?.ip}:${shared.port}`)
      // Meanwhile unicast is heard.
      yield* a.unicast(a.local[0], bytes("by unicast"))
      yield* hear(a, "by unicast")
      yield* Scope.close(thief, Exit.void)
      yield* hearSoon(a, "by multicast", a.multicast(bytes("by multicast")))
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("with multicast off the group's port is not opened, and unicast works (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = { ...options(), multicast: false }
      yield* bindAlone(shared.port, "0.0.0.0")
      const a = yield* open(shared)
      yield* a.unicast(a.local[0], bytes("by unicast"))
      yield* hear(a, "by unicast")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a name is resolved to addresses of the group's families, or is told to be none (protocol 2)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      assert.deepStrictEqual(yield* a.resolve("192.0.2.7"), ["192.0.2.7"])
      assert.include(yield* a.resolve("localhost"), "127.0.0.1")
      for (const name of ["fe80::1", "no.such.host.invalid"]) {
        assert.deepInclude(yield* Effect.flip(a.resolve(name)), { kind: "NoSuchName", during: "send" })
      }
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("link-local addresses of a name are not used, as nothing says on which link they are (protocol 2)", () => {
    const hosts = { both: ["fe80::7", "::ffff:192.0.2.7", "2001:db8::7"], link: ["fe80::7"] }
    const lo: SystemInterface = { name: "lo", address: "127.0.0.1", prefixLength: 8, internal: true }
    const layer = Layer.effect(Datagrams, NodeDatagrams.make).pipe(
      Layer.provide([
        AddressResolver.layer().pipe(Layer.provide(Dns.layerStatic({ hosts }))),
        Layer.succeed(Interfaces, { scan: Effect.succeed(systemOf([lo])) })
      ])
    )
    return Effect.gen(function*() {
      const a = yield* open(options())
      assert.deepStrictEqual(yield* a.resolve("both"), ["192.0.2.7"])
      const failed = yield* Effect.flip(a.resolve("link"))
      assert.strictEqual(failed.kind, "NoSuchName")
      assert.include(failed.message, "link (only link-local IPv6 addresses were found")
    }).pipe(Effect.provide(layer))
  })

  const hasIpv6 = Object.values(Os.networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"))
  it.live("a group in IPv6 sends from the addresses of IPv6 (protocol 2)", () =>
    Effect.gen(function*() {
      const multicastAddress = [{ ip: "ff02::b011", family: "IPv6", linkLocal: true } as const]
      const shared = { ...options(), multicastAddress, multicast: false }
      const a = yield* open(shared)
      const b = yield* open(shared)
      assert.strictEqual(a.local[0].ip, "::1")
      yield* a.unicast(b.local[0], bytes("from a"))
      assert.deepStrictEqual((yield* hear(b, "from a")).from, { ip: "::1", port: a.local[0].port })
      assert.isTrue(b.isDirect("::1"))
      assert.strictEqual((yield* Effect.flip(a.unicast({ ip: "127.0.0.1", port: 9 }, bytes("x")))).kind, "Unreachable")
      assert.strictEqual(yield* a.ask({ ip: "::1", port: 9 }, bytes("x")), "refused")
    }).pipe(Effect.provide(NodeDatagrams.layer)), { skip: !hasIpv6 || process.platform !== "linux" })

  it.live("a refusal is heard also if the process was busy until its time was over (protocol 2)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      const asked = yield* Effect.forkChild(a.ask({ ip: "127.0.0.1", port: 9 }, bytes("x")))
      // Whenever the datagram leaves, the process then does something else for longer than a refusal is waited for.
      for (let i = 0; i < 10; i++) {
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        const until = performance.now() + 60
        while (performance.now() < until);
      }
      assert.strictEqual(yield* Fiber.join(asked), "refused")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("an interface that is not there is NoSuchInterface, and those that are there are named (protocol 2)", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(open({ ...options(), interfaces: ["nowhere7"] }))
      assert.strictEqual(failed.kind, "NoSuchInterface")
      assert.include(failed.message, "nowhere7")
      assert.include(failed.message, "lo 127.0.0.1")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a message that no datagram can carry is TooLarge, and the socket goes on (protocol 7)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      const large = new Uint8Array(70_000)
      assert.strictEqual((yield* Effect.flip(a.unicast(a.local[0], large))).kind, "TooLarge")
      assert.strictEqual((yield* Effect.flip(a.multicast(large))).kind, "TooLarge")
      yield* a.multicast(bytes("small"))
      yield* hear(a, "small")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a datagram that is longer than any frame is dropped and counted (protocol 7)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      yield* a.unicast(a.local[0], new Uint8Array(2049))
      yield* a.unicast(a.local[0], new Uint8Array(2048))
      assert.deepStrictEqual((yield* a.receive).map((received) => received.payload.length), [2048])
      assert.strictEqual(yield* a.dropped, 1)
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("unread datagrams are bounded: the newest are kept, and the rest counted (protocol 7)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      const sent = 5000
      for (let i = 0; i < sent; i++) {
        yield* a.unicast(a.local[0], bytes(String(i)))
        // Lets the event loop read, so that the kernel's buffer does not overflow first.
        if (i % 50 === 49) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      const dropped = yield* a.dropped.pipe(
        Effect.delay("1 millis"),
        Effect.repeat({ until: (dropped) => dropped === sent - 4096 }),
        Effect.timeout("10 seconds")
      )
      const batch = yield* a.receive
      assert.strictEqual(batch.length, sent - dropped)
      assert.strictEqual(text(batch.at(-1)!), String(sent - 1))
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("an address that cannot be reached is Unreachable, at once (protocol 2)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      for (const ip of ["203.0.113.9", "fe80::1", "nobody"]) {
        const failed = yield* Effect.flip(a.unicast({ ip, port: 9 }, bytes("hello")))
        assert.deepInclude(failed, { during: "send", kind: "Unreachable" })
      }
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a closed scope frees the ports, leaves nothing open, and sends are refused (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = options()
      yield* noSockets
      const scope = yield* Scope.make()
      const a = yield* open(shared).pipe(Scope.provide(scope))
      assert.strictEqual(udpHandles(), 2)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(a.multicast(bytes("late")))).kind, "Closed")
      assert.strictEqual((yield* Effect.flip(a.unicast(a.local[0], bytes("late")))).kind, "Closed")
      yield* noSockets
      yield* bindAlone(shared.port, "0.0.0.0")
      yield* bindAlone(a.local[0].port, "127.0.0.1")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("an endpoint that does not open leaves nothing open either (protocol 2)", () =>
    Effect.gen(function*() {
      const shared = options()
      const taken = yield* bindAlone(0, "127.0.0.1")
      const failed = yield* Effect.flip(open({ ...shared, unicastPort: taken.address().port }))
      assert.strictEqual(failed.kind, "AddressInUse")
      yield* bindAlone(shared.port, "0.0.0.0")
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  const faults: Record<string, (socket: dgram.Socket) => void> = {
    "that fails to read": (socket) => socket.emit("error", Object.assign(new Error("recvmsg"), { code: "ENOTCONN" })),
    "that is closed underneath": (socket) => socket.close()
  }
  for (const [fault, strike] of Object.entries(faults)) {
    it.live(`a socket ${fault} is told, and opened again on its port (protocol 2)`, () =>
      Effect.gen(function*() {
        const { created } = yield* watchSockets
        const shared = options()
        const a = yield* open(shared)
        const [group, own] = created
        const [{ port }] = a.local
        strike(own!)
        const ownFault = yield* a.troubles
        assert.strictEqual(ownFault.during, "receive")
        yield* hearSoon(a, "by unicast", a.unicast(a.local[0], bytes("by unicast")))
        strike(group!)
        yield* a.troubles
        yield* hearSoon(a, "by multicast", a.multicast(bytes("by multicast")))
        assert.strictEqual(a.local[0].port, port)
        assert.strictEqual(created.length, 4)
      }).pipe(Effect.provide(NodeDatagrams.layer)))
  }

  it.live("while its port is taken a socket is not open, sends fail at once, and it comes back (protocol 2)", () =>
    Effect.gen(function*() {
      const { created } = yield* watchSockets
      const a = yield* open(options())
      const own = created[1]!
      const thief = yield* Scope.make()
      // Node tells of the close a turn later, so the port is taken before anyone misses it.
      own.close()
      yield* bindAlone(a.local[0].port, "127.0.0.1").pipe(Scope.provide(thief))
      const troubles = [yield* a.troubles, yield* a.troubles].map((trouble) => trouble.kind)
      assert.include(troubles, "AddressInUse")
      assert.strictEqual((yield* Effect.flip(a.multicast(bytes("now")))).kind, "Unreachable")
      yield* Scope.close(thief, Exit.void)
      yield* hearSoon(a, "again", a.unicast(a.local[0], bytes("again")))
    }).pipe(Effect.provide(NodeDatagrams.layer)))

  it.live("a process that was killed refuses, one that lives does not (protocol 4)", () =>
    Effect.gen(function*() {
      const a = yield* open(options())
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, [
            "-e",
            `const s = require("dgram").createSocket("udp4")
             s.on("message", (m, from) => s.send("heard " + m, from.port, from.address))
             s.bind(0, "127.0.0.1", () => console.log(s.address().port))`
          ], { stdio: ["ignore", "pipe", "inherit"] })
        ),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const [line] = yield* Effect.promise(() => once(child.stdout, "data"))
      const to = { ip: "127.0.0.1", port: Number(String(line)) }
      assert.strictEqual(yield* a.ask(to, bytes("you?")), "sent")
      // An answer to where the question came from is not lost either, if it comes soon.
      const heard = yield* hearSoon(a, "heard you?", Effect.asVoid(a.ask(to, bytes("you?"))))
      assert.deepInclude(heard, { from: to, via: "unicast" })
      const gone = once(child, "exit")
      child.kill("SIGKILL")
      yield* Effect.promise(() => gone)
      assert.strictEqual(yield* a.ask(to, bytes("you?")), "refused")
    }).pipe(Effect.provide(NodeDatagrams.layer)), { skip: process.platform !== "linux" })
})

// Each waits for the next look at the interfaces, so they do it at the same time.
describe("a network that changes", { concurrent: true }, () => {
  const lo: SystemInterface = { name: "lo", address: "127.0.0.1", prefixLength: 8, internal: true }
  const late: SystemInterface = { name: "late0", address: "127.0.0.2", prefixLength: 32, internal: false }
  const layerOf = (system: Ref.Ref<ReadonlyArray<SystemInterface>>) =>
    NodeDatagrams.layerInterfaces.pipe(
      Layer.provide(
        Layer.succeed(Interfaces, { scan: Effect.map(Ref.get(system), (addresses) => systemOf(addresses)) })
      )
    )
  // All of 127.0.0.0/8 can be bound on Linux only.
  const skip = process.platform !== "linux"

  it.live(
    "starts with the loopback, takes what comes later, and announces that (protocol, Sockets)",
    () =>
      Effect.gen(function*() {
        const system = yield* Ref.make<ReadonlyArray<SystemInterface>>([lo])
        const a = yield* Effect.provide(open({ ...options(), interfaces: [] }), layerOf(system))
        const [primary] = a.local
        assert.strictEqual(primary.ip, "127.0.0.1")
        assert.isFalse(a.hasAddress(), "nobody asked for the loopback, and each host has it")
        yield* Ref.set(system, [lo, late])
        // The device of both is lo, which the multicast socket has joined already: it need not join it twice.
        assert.strictEqual((yield* a.troubles).where, "late0 127.0.0.2 came")
        const [first, ...others] = a.local
        assert.deepInclude(first, { ip: "127.0.0.2", interface: "late0" })
        assert.deepStrictEqual(others, [primary])
        assert.isTrue(a.hasAddress())
        const named = yield* Effect.provide(open({ ...options(), interfaces: ["lo"] }), layerOf(system))
        assert.isTrue(named.hasAddress(), "it was asked for")
        // All of 127.0.0.0/8 is on the network of lo; other addresses are reached by an interface that leads to other
        // hosts.
        assert.deepStrictEqual([a.portTowards("127.0.0.9"), a.portTowards("192.0.2.9")], [primary.port, first.port])
        yield* hearSoon(a, "still", a.unicast(primary, bytes("still")))
        yield* hearSoon(a, "here", a.unicast(first, bytes("here")))
        yield* Ref.set(system, [lo])
        assert.strictEqual((yield* a.troubles).where, "late0 127.0.0.2 is gone")
        assert.deepStrictEqual(a.local, [first, primary], "where it could lately be reached")
      }),
    { skip }
  )

  it.live(
    "starts with no network at all, and takes the first that comes under the same port (protocol 2)",
    () =>
      Effect.gen(function*() {
        const system = yield* Ref.make<ReadonlyArray<SystemInterface>>([])
        const a = yield* Effect.provide(open({ ...options(), interfaces: [] }), layerOf(system))
        const [{ port }] = a.local
        assert.deepInclude(yield* a.troubles, { kind: "NoSuchInterface" })
        assert.strictEqual((yield* Effect.flip(a.multicast(bytes("nowhere")))).kind, "Unreachable")
        yield* Ref.set(system, [late])
        assert.deepInclude(yield* a.troubles, { kind: "NetworkChanged", where: "late0 127.0.0.2 came" })
        assert.deepStrictEqual(a.local, [{ ip: "127.0.0.2", port, interface: "late0" }])
        yield* hearSoon(a, "here", a.multicast(bytes("here")))
      }),
    { skip }
  )

  it.live("follows an interface to its new address, on the same port (protocol 2)", () =>
    Effect.gen(function*() {
      const system = yield* Ref.make<ReadonlyArray<SystemInterface>>([{ ...late, address: "127.0.0.3" }])
      const a = yield* Effect.provide(open({ ...options(), interfaces: [] }), layerOf(system))
      const [{ port }] = a.local
      yield* Ref.set(system, [])
      assert.deepInclude(yield* a.troubles, { kind: "NetworkChanged", where: "late0 127.0.0.3 is gone" })
      yield* Ref.set(system, [late])
      assert.deepInclude(yield* a.troubles, { kind: "NetworkChanged", where: "late0 127.0.0.2 is back" })
      assert.deepStrictEqual(a.local, [{ ip: "127.0.0.2", port, interface: "late0" }])
      const heard = yield* hearSoon(a, "moved", a.multicast(bytes("moved")))
      assert.deepStrictEqual(heard.from, { ip: "127.0.0.2", port })
    }), { skip })

  it.live(
    "tells which of those that are named are not there, and follows the others meanwhile (protocol 2)",
    () =>
      Effect.gen(function*() {
        const system = yield* Ref.make<ReadonlyArray<SystemInterface>>([{ ...late, address: "127.0.0.3" }])
        const a = yield* Effect.provide(open({ ...options(), interfaces: ["gone0", "late0"] }), layerOf(system))
        assert.deepInclude(yield* a.troubles, {
          kind: "NoSuchInterface",
          where: "gone0 (there is: late0 127.0.0.3)"
        })
        yield* Ref.set(system, [late])
        assert.deepInclude(yield* a.troubles, { kind: "NetworkChanged", where: "late0 127.0.0.2 is back" })
        assert.strictEqual(a.local[0].ip, "127.0.0.2")
      }),
    { skip }
  )

  it.live(
    "leaves out an interface that nobody named and that does not open, and tells (protocol 2)",
    () =>
      Effect.gen(function*() {
        const foreign: SystemInterface = { ...late, name: "far0", address: "203.0.113.77" }
        const system = yield* Ref.make<ReadonlyArray<SystemInterface>>([foreign, late])
        const a = yield* Effect.provide(open({ ...options(), interfaces: [] }), layerOf(system))
        assert.deepStrictEqual(a.local.map((local) => local.ip), ["127.0.0.2"])
        assert.deepInclude(yield* a.troubles, { kind: "AddressNotAvailable", where: "far0 203.0.113.77" })
        const named = yield* Effect.flip(Effect.provide(open({ ...options(), interfaces: ["far0"] }), layerOf(system)))
        assert.strictEqual(named.kind, "AddressNotAvailable")
      }),
    { skip }
  )

  it.live(
    "keeps what it has while the system does not say what there is, tells that once, and tells when it is over (protocol 2)",
    () =>
      Effect.gen(function*() {
        const failed = new DatagramsFailed({ during: "scan", kind: "OutOfDescriptors", where: "here", code: "EMFILE" })
        const answer = yield* Ref.make<Effect.Effect<System, DatagramsFailed>>(Effect.succeed(systemOf([late])))
        const scans = yield* Ref.make(0)
        const layer = NodeDatagrams.layerInterfaces.pipe(
          Layer.provide(Layer.succeed(Interfaces, {
            scan: Effect.andThen(Ref.update(scans, (count) => count + 1), Effect.flatten(Ref.get(answer)))
          }))
        )
        const a = yield* Effect.provide(open({ ...options(), interfaces: [] }), layer)
        const before = a.local
        yield* Ref.set(answer, Effect.fail(failed))
        assert.strictEqual((yield* a.troubles).message, failed.message)
        const seen = yield* Ref.get(scans)
        yield* Effect.repeat(Effect.delay(Ref.get(scans), "20 millis"), { until: (count) => count > seen })
        yield* hearSoon(a, "still", a.multicast(bytes("still")))
        assert.deepStrictEqual(a.local, before)
        assert.isTrue(a.isDirect("127.0.0.2"))
        yield* Ref.set(answer, Effect.succeed(systemOf([late])))
        assert.deepInclude(yield* a.troubles, {
          kind: "NetworkChanged",
          where: "the interfaces of this host are known again"
        })
        const unknown = yield* Ref.set(answer, Effect.fail(failed)).pipe(
          Effect.andThen(Effect.flip(Effect.provide(open({ ...options(), interfaces: [] }), layer)))
        )
        assert.strictEqual(unknown.message, failed.message)
      }),
    { skip }
  )

  it.live(
    "an address that the system refuses gives way to another of its interface, and speaks from each network of it (protocol 2)",
    () =>
      Effect.gen(function*() {
        const some: ReadonlyArray<SystemInterface> = [
          { ...late, address: "203.0.113.77", prefixLength: 24 },
          { ...late, address: "127.0.2.2", prefixLength: 24 },
          { ...late, address: "127.0.3.2", prefixLength: 24 },
          { ...late, address: "127.0.3.3", prefixLength: 24 }
        ]
        const system = yield* Ref.make(some)
        const a = yield* Effect.provide(
          open({ ...options(), interfaces: ["late0"], multicast: false }),
          layerOf(system)
        )
        assert.sameMembers(a.local.map(({ ip }) => ip), ["127.0.2.2", "127.0.3.2"])
        const [b, c] = [yield* bindAlone(0, "127.0.2.9"), yield* bindAlone(0, "127.0.3.9")]
        for (const [socket, source] of [[b, "127.0.2.2"], [c, "127.0.3.2"]] as const) {
          const { address, port } = socket.address()
          const heard = Effect.promise(() => once(socket, "message"))
          const [[, from]] = yield* Effect.all([heard, a.unicast({ ip: address, port }, bytes("hello"))], {
            concurrency: "unbounded"
          })
          assert.strictEqual(from.address, source)
        }
        yield* Ref.set(system, some.slice(1, 2))
        assert.deepInclude(yield* a.troubles, { kind: "NetworkChanged", where: "late0 127.0.3.2 is gone" })
        assert.deepStrictEqual(a.local.map(({ ip }) => ip), ["127.0.2.2"])
      }),
    { skip }
  )
})
