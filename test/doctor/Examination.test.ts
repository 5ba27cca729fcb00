/**
 * What an examination sees, on a simulated network beside real servers, in virtual time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Diagnosis from "../../src/doctor/Diagnosis.ts"
import * as Examination from "../../src/doctor/Examination.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Settings from "../../src/settings/Settings.ts"
import type * as SimulatedNetwork from "../../src/testing/SimulatedNetwork.ts"
import { Datagrams, DatagramsFailed } from "../../src/transport/Datagrams.ts"
import { Interfaces, systemOf } from "../../src/transport/interfaces/Interfaces.ts"
import { Kernel } from "../../src/transport/Kernel.ts"
import * as World from "../simulation/World.ts"

const { pass } = World

const nothing = Kernel.of({ udpSockets: () => Effect.succeedNone, receiveBufferLimit: Effect.succeedNone })

/** Examines the network from one host. */
const examine = Effect.fnUntraced(
  function*(
    host: SimulatedNetwork.Host,
    options: Settings.Options = {},
    kernel: Kernel["Service"] = nothing,
    refusal: Effect.Effect<void, DatagramsFailed> = Effect.void
  ) {
    const settings = yield* Settings.make(options)
    const examination = yield* Examination.make(settings).pipe(
      Random.withSeed("examination"),
      Effect.provide(host.layer),
      Effect.provideService(Kernel, kernel),
      Effect.provideService(Interfaces, {
        scan: Effect.as(
          refusal,
          systemOf([
            { name: "lo", address: "127.0.0.1", prefixLength: 8, internal: true },
            { name: "eth0", address: host.ip, prefixLength: 24, internal: false }
          ], { defaultRoute: Option.some("eth0") })
        )
      })
    )
    return { ...examination, report: Effect.map(examination.observations, Diagnosis.report) }
  }
)

const kinds = ({ findings }: Diagnosis.Report) => findings.map(({ finding }) => finding)

describe("an examination", () => {
  it.effect("beside healthy servers finds nothing, joins nothing, and knows in a moment or a heartbeat", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 1 })
      const nodes = yield* world.startAll(3)
      yield* pass(5_000)
      const host = yield* world.network.host("doctor")
      const { observations, report } = yield* examine(host)
      yield* pass(1_400)
      assert.isFalse(Diagnosis.isSettled(yield* observations))
      yield* pass(9_000)
      const found = yield* report
      assert.isTrue(Diagnosis.isSettled(found.observations))
      assert.deepStrictEqual([found.healthy, kinds(found)], [true, []])
      const { interfaces, questions, servers } = found.observations
      assert.deepStrictEqual(servers.map(({ name }) => name).toSorted(), ["s1", "s2", "s3"])
      assert.isTrue(
        servers.every(({ answered, interval, multicast }) =>
          answered !== null && multicast !== null && interval === 10_000
        )
      )
      assert.deepStrictEqual(questions.answeredBy, [nodes[0]!.self.id])
      const eth0 = interfaces.find(({ name }) => name === "eth0")
      assert.isAbove(eth0?.sent ?? 0, 8)
      assert.strictEqual(eth0?.echoed, eth0?.sent)
      for (const node of nodes) assert.strictEqual((yield* node.group.members).length, 3)
    }))

  it.effect("runs on the host of a server, and says that no other is there", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 2 })
      const node = yield* world.start("s1")
      const { report } = yield* examine(node.host)
      yield* pass(12_500)
      const found = yield* report
      assert.deepStrictEqual(kinds(found), ["OnlyThisHost"])
      assert.deepStrictEqual(found.observations.servers.map(({ local }) => local), [true])
    }))

  it.effect("finds nobody, and servers of another group", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 3 })
      const alone = yield* examine(yield* world.network.host("doctor"))
      yield* pass(12_500)
      assert.deepStrictEqual(kinds(yield* alone.report), ["Alone"])
      yield* world.startAll(2)
      const { report } = yield* examine(yield* world.network.host("outsider"), { group: "elsewhere" })
      yield* pass(12_500)
      const found = yield* report
      assert.deepStrictEqual(kinds(found), ["OtherGroup", "Alone"])
      assert.deepStrictEqual(
        found.observations.foreign.map(({ ip, tag }) => `${ip} ${tag}`).toSorted(),
        // The other examination sends to that group too.
        ["10.0.0.1 37a8eec1", "10.0.0.2 37a8eec1", "10.0.0.3 37a8eec1"]
      )
    }))

  it.effect("finds that no multicast reaches its host while unicast does, and not before it has listened for a heartbeat", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 4 })
      const nodes = yield* world.startAll(3)
      yield* pass(5_000)
      const host = yield* world.network.host("doctor")
      const { report } = yield* examine(host)
      yield* world.network.setMulticastLoss("doctor", 1)
      yield* pass(2_000)
      assert.deepStrictEqual(kinds(yield* report), ["NotHeardYet"])
      yield* pass(11_000)
      const found = yield* report
      assert.deepStrictEqual(kinds(found), ["OneWay"])
      assert.strictEqual(found.findings[0]?.about.length, nodes.length)
      assert.include(found.findings[0]?.says, "nor does anybody else's")
    }))

  it.effect("finds that multicast fades while unicast goes on (IGMP snooping without a querier)", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 5 })
      yield* world.startAll(2)
      const host = yield* world.network.host("doctor")
      const { report } = yield* examine(host)
      yield* pass(30_000)
      assert.deepStrictEqual(kinds(yield* report), [])
      yield* world.network.setMulticastLoss("doctor", 1)
      yield* pass(60_000)
      assert.deepStrictEqual(kinds(yield* report), ["MulticastFaded"])
      yield* world.network.setMulticastLoss("doctor", 0)
      yield* pass(30_000)
      assert.deepStrictEqual(kinds(yield* report), [])
    }))

  it.effect("finds that its own multicasts do not reach the leader, though the server of its own host hears and answers", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 6 })
      const [, follower] = yield* world.startAll(2)
      yield* pass(5_000)
      yield* world.network.setMulticastLoss("s1", 1)
      const { observations, report } = yield* examine(follower!.host)
      yield* pass(12_500)
      assert.include(kinds(yield* report), "MulticastUnheard")
      assert.deepStrictEqual((yield* observations).questions.answeredBy, [])
    }))

  it.effect("finds that its own multicasts reach nobody", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 6 })
      yield* world.startAll(2)
      yield* pass(5_000)
      for (const name of ["s1", "s2"]) yield* world.network.setMulticastLoss(name, 1)
      const { report } = yield* examine(yield* world.network.host("doctor"))
      yield* pass(12_500)
      assert.deepStrictEqual(kinds(yield* report), ["MulticastUnheard"])
    }))

  it.effect("finds that its own multicasts reach nobody any more, and not where only the leader changed or died", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 16 })
      const nodes = yield* world.startAll(3)
      yield* pass(5_000)
      const { report } = yield* examine(yield* world.network.host("doctor"))
      const found = new Set<string>()
      const collect = Effect.fnUntraced(function*(seconds: number) {
        for (let second = 0; second < seconds; second++) {
          yield* pass(1_000)
          for (const kind of kinds(yield* report)) found.add(kind)
        }
      })
      yield* collect(60)
      yield* nodes[0]!.leave
      yield* collect(60)
      yield* nodes[1]!.kill
      // Some time passes until it is removed; the last one leads then.
      yield* collect(90)
      // This note says only that a server has just come.
      found.delete("NotHeardYet")
      assert.deepStrictEqual([...found], [])
      yield* world.network.setMulticastLoss("s3", 1)
      yield* collect(60)
      assert.deepStrictEqual([...found], ["OutgoingFaded"])
      yield* world.network.setMulticastLoss("s3", 0)
      yield* pass(10_000)
      assert.deepStrictEqual(kinds(yield* report), [])
    }))

  it.effect("finds servers that are heard but do not answer, as behind a firewall", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 7 })
      yield* world.startAll(2)
      const host = yield* world.network.host("doctor")
      for (const name of ["s1", "s2"]) yield* world.network.cut("doctor", name)
      const { report } = yield* examine(host)
      yield* pass(12_500)
      assert.deepStrictEqual(kinds(yield* report), ["NobodyHears"])
    }))

  it.effect("finds two servers of which one does not hear the other, while both are heard here", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 11 })
      yield* world.startAll(3)
      yield* pass(1_000)
      yield* world.network.cut("s2", "s1")
      yield* pass(120_000)
      const { report } = yield* examine(yield* world.network.host("doctor"))
      yield* pass(12_500)
      const found = yield* report
      assert.deepStrictEqual(kinds(found), ["LinkMissing"])
      assert.match(found.findings[0]?.says ?? "", /^s1 .*does not hear s2 /)
    }))

  it.effect("finds one that others list and that it cannot reach itself", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 8 })
      yield* world.startAll(3)
      const host = yield* world.network.host("doctor")
      yield* world.network.cut("doctor", "s3")
      yield* world.network.cut("s3", "doctor")
      const { report } = yield* examine(host)
      yield* pass(12_500)
      const found = yield* report
      assert.deepStrictEqual(kinds(found), ["NotReached"])
      assert.include(found.findings[0]?.says, "s3")
    }))

  it.effect("asks the seeds where there is no multicast, learns the others from them, and says which is silent", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 13 })
      const settings = { multicast: false, seeds: ["10.0.0.1:4000", "10.0.0.9:4000"], unicastPort: 4_000 }
      yield* world.startAll(3, settings)
      yield* pass(20_000)
      const { report } = yield* examine(yield* world.network.host("doctor"), settings)
      yield* pass(12_500)
      const found = yield* report
      assert.deepStrictEqual([found.healthy, kinds(found)], [true, ["SeedSilent"]])
      assert.deepStrictEqual(found.findings[0]?.about, ["10.0.0.9:4000"])
      assert.sameMembers(found.observations.servers.map(({ name }) => name), ["s1", "s2", "s3"])
      assert.isTrue(found.observations.servers.every(({ answered }) => answered !== null))
      assert.deepStrictEqual(found.observations.questions.asked, 0)
    }))

  it.effect("finds two servers under one id", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 9 })
      const [s1] = yield* world.startAll(2)
      const host = yield* world.network.host("doctor")
      const { report } = yield* examine(host)
      yield* pass(1_000)
      const header = World.headerOf(s1!)
      for (let second = 0; second < 12; second++) {
        yield* world.network.inject(
          "doctor",
          { ip: "10.0.0.99", port: 4_000 },
          Result.getOrThrow(Frame.encode(
            { ...header, sender: { ...header.sender, incarnation: 77 }, type: "SERVER_ALIVE", interval: 10_000 },
            Frame.groupTag("default")
          )),
          "multicast"
        )
        yield* pass(1_000)
      }
      const found = yield* report
      assert.deepStrictEqual(kinds(found), ["DuplicateIdentity"])
      assert.include(found.findings[0]?.says, "10.0.0.99:4000")
    }))

  it.effect("forgets who is gone, and takes the last word of who left", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 10 })
      const [, s2, s3] = yield* world.startAll(3)
      const { report } = yield* examine(yield* world.network.host("doctor"))
      yield* pass(15_000)
      yield* s2!.leave
      yield* s3!.kill
      yield* pass(90_000)
      const found = yield* report
      assert.deepStrictEqual([found.observations.servers.map(({ name }) => name), kinds(found)], [["s1"], []])
    }))

  it.effect("reports what the system refused, by the name of its error, and who holds the port", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 11 })
      const host = yield* world.network.host("doctor")
      const taken = new DatagramsFailed({
        during: "open",
        kind: "AddressInUse",
        where: "239.255.253.87:16983",
        code: "EADDRINUSE"
      })
      const holder = { ip: "0.0.0.0", port: 16_983, inode: 1, uid: 0, drops: 3, owner: null, own: false }
      const { report } = yield* examine(
        {
          ...host,
          layer: Layer.succeed(Datagrams, { open: () => Effect.fail(taken) })
        },
        {},
        Kernel.of({
          udpSockets: (port) => Effect.succeedSome(port === 16_983 ? [holder, { ...holder, own: true }] : []),
          receiveBufferLimit: Effect.succeedSome(4_096)
        })
      )
      yield* pass(600)
      const found = yield* report
      assert.isTrue(Diagnosis.isSettled(found.observations))
      assert.deepStrictEqual(kinds(found), ["PortTaken", "Drops", "SmallReceiveBuffer"])
      assert.deepStrictEqual(found.observations.sockets?.length, 1)
      assert.strictEqual(found.observations.interfaces[1]?.refusal?.errno, "EADDRINUSE")
    }))

  it.effect("takes up an interface whose sockets open only later, and reports its troubles", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 12 })
      yield* world.startAll(2)
      const host = yield* world.network.host("doctor")
      yield* host.disconnect
      const { observations, report } = yield* examine(host)
      yield* pass(2_000)
      assert.include(kinds(yield* report), "Refused")
      yield* host.connect
      yield* pass(20_000)
      assert.deepStrictEqual(kinds(yield* report), [])
      yield* host.trouble(new DatagramsFailed({ during: "receive", kind: "PermissionDenied", where: "eth0" }))
      yield* pass(10)
      assert.deepStrictEqual((yield* observations).refusals.map(({ kind }) => kind), ["PermissionDenied"])
    }))

  it.effect("reports that the interfaces were not told, until they are", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: 13 })
      yield* world.startAll(2)
      const host = yield* world.network.host("doctor")
      let isRefused = true
      const scan = new DatagramsFailed({ during: "scan", kind: "OutOfDescriptors", where: "the interfaces" })
      const refusal = Effect.suspend(() => isRefused ? Effect.fail(scan) : Effect.void)
      const { report } = yield* examine(host, {}, nothing, refusal)
      yield* pass(2_000)
      assert.include(kinds(yield* report), "Refused")
      isRefused = false
      yield* pass(20_000)
      assert.deepStrictEqual(kinds(yield* report), [])
    }))
})
