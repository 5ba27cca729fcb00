/**
 * The same group without multicast: by seeds, one of which is enough (protocol, sections 2 and 4). In every run the
 * network itself loses all multicast too, so that nothing here works by it.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import { SimulatedGroup, VirtualTime } from "../../src/testing/index.ts"

const port = 5_000
/** Machines are numbered from 10.0.0.1, servers from 0. */
const seed = (index: number) => `10.0.0.${index + 1}:${port}`
const none = "10.0.0.250:5000"

const unicast = (seeds: ReadonlyArray<string>, more: Settings.Options = {}): Settings.Options => ({
  multicast: false,
  unicastPort: port,
  seeds,
  profile: "fast",
  ...more
})

const make = (options: Omit<SimulatedGroup.Options, "seed"> & { readonly seed?: number }) =>
  Effect.gen(function*() {
    const group = yield* SimulatedGroup.make({ seed: 1, ...options })
    let multicasts = 0
    yield* group.network.tap(({ via, what }) => {
      if (what === "sent" && via === "multicast") multicasts++
    })
    return { ...group, multicasts: () => multicasts }
  })

/** The reigns that a server follows only grow, regardless of what it hears (protocol 5). */
const holdsInvariants = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup) {
  for (let index = 0; index < (yield* group.size); index++) {
    let last: Reign.Reign | null = null
    for (const { event } of yield* group.events(index)) {
      // A new start remembers nothing.
      if (event.event === "Started") last = null
      if (event.event !== "LeaderChanged" || event.leader === null) continue
      const reign = Reign.make(event.term, event.leader)
      if (last !== null) assert.isAtLeast(Reign.compare(reign, last), 0, `s${index}`)
      last = reign
    }
  }
})

const removals = Effect.fnUntraced(function*(group: SimulatedGroup.SimulatedGroup) {
  return (yield* group.timeline).filter(({ event }) => event.event === "MemberRemoved")
})

describe("without multicast", () => {
  it.effect("twenty that start at once with one living seed know each other and agree within the discovery window", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({
        servers: 20,
        settings: (index) => unicast([none, seed(7)], { priority: index })
      })
      assert.strictEqual(yield* group.settle({ within: "1 second" }), 19)
      assert.strictEqual(group.multicasts(), 0)
      yield* group.advance("5 seconds")
      assert.deepStrictEqual(yield* removals(group), [])
      assert.strictEqual(yield* group.settle({ within: 1 }), 19)
      yield* holdsInvariants(group)
    })))

  it.effect("they do so where each tenth datagram is lost too, within five heartbeats, with any seed of the run", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (let run = 0; run < 4; run++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const group = yield* make({
            seed: run,
            loss: 0.1,
            servers: 20,
            settings: (index) => unicast([seed(0)], { priority: index })
          })
          assert.strictEqual(yield* group.settle({ within: "2500 millis" }), 19)
          yield* holdsInvariants(group)
        }))
      }
    })))

  it.effect("a newcomer learns all from the one seed that lives, and all learn of it, long before a heartbeat", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({
        servers: 20,
        settings: (index) => unicast([seed(3), none], { profile: "standard", priority: 100 - index })
      })
      yield* group.settle()
      yield* group.advance("3 seconds")
      yield* group.add
      assert.strictEqual(yield* group.settle({ within: "400 millis" }), 0)
    })))

  it.effect("names of seeds are resolved again until they are there; and what does not resolve is told once", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({ servers: 1, settings: unicast([`s1:${port}`, `nowhere:${port}`]) })
      yield* group.awaitLeader()
      yield* group.advance("10 seconds")
      const told = (yield* group.events(0)).flatMap(({ event }) => event.event === "SeedUnresolved" ? [event.seed] : [])
      assert.sameMembers(told, [`s1:${port}`, `nowhere:${port}`])
      yield* group.add
      yield* group.settle({ within: "2 seconds" })
    })))

  it.effect("a network that comes while names are resolved before the start is the one that is announced (Where a server is)", () =>
    VirtualTime.run(Effect.gen(function*() {
      const settings = { profile: "fast", unicastPort: port, seeds: [`s0:${port}`] } as const
      const group = yield* SimulatedGroup.make({ seed: 1, servers: 2, settings })
      yield* group.settle()
      yield* group.kill(1)
      yield* group.setAddress(1, null)
      yield* group.setResolver("silent")
      yield* group.startLater(1)
      yield* group.setAddress(1, "10.0.0.9")
      yield* group.until("it has started", Effect.map(group.running, ({ length }) => length === 2))
      yield* group.settle()
      for (const index of [0, 1]) {
        const { members } = yield* Effect.flatMap(group.server(index), ({ group }) => group.view)
        assert.sameMembers(members.map(({ ip }) => ip), ["10.0.0.1", "10.0.0.9"])
      }
    })))

  it.effect("a server that is told of nobody is found by those who name it", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({ servers: 3, settings: (index) => unicast(index === 0 ? [] : [seed(0)]) })
      yield* group.settle({ within: "1 second" })
    })))

  it.effect.each([1, 2, 3])(
    "two halves that were started apart merge within four heartbeats of one hearing of both: run %i",
    (run) =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* make({
          seed: run,
          servers: 20,
          settings: (index) => unicast(index < 10 ? [seed(0)] : index < 20 ? [seed(10)] : [seed(0), seed(10)])
        })
        const halves = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]]
        for (const among of halves) yield* group.settle({ among, within: "1 second" })
        yield* group.advance("1 second")
        assert.strictEqual((yield* group.leaders).length, 2)
        yield* group.add
        yield* group.settle({ within: "2 seconds" })
        assert.deepStrictEqual(yield* removals(group), [])
        yield* holdsInvariants(group)
      }))
  )

  it.effect("a leader that dies is replaced by the next in rank, as with multicast", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({ servers: 5, settings: (index) => unicast([seed(0)], { priority: index }) })
      assert.strictEqual(yield* group.settle(), 4)
      yield* group.crash(4)
      assert.strictEqual(yield* group.settle({ within: "5 seconds" }), 3)
      yield* group.stop(3)
      assert.strictEqual(yield* group.settle({ within: "500 millis" }), 2)
      yield* holdsInvariants(group)
    })))

  it.effect.each(
    [
      ["with a key", { key: "5e".repeat(32) }],
      ["with the majority lease", { leadership: "lease", groupSize: 3 }]
    ] satisfies ReadonlyArray<readonly [string, Settings.Options]>
  )(
    "a group %s finds itself and its next leader as well",
    ([, more]) =>
      VirtualTime.run(Effect.gen(function*() {
        const group = yield* make({
          servers: 3,
          settings: (index) => unicast([seed(0)], { priority: index, ...more })
        })
        const first = yield* group.settle()
        yield* group.advance("10 seconds")
        assert.deepStrictEqual(yield* removals(group), [])
        yield* group.crash(first)
        assert.notStrictEqual(yield* group.settle({ within: "10 seconds" }), first)
        assert.strictEqual(group.multicasts(), 0)
      }))
  )

  it.effect("a seed that comes back joins again; meanwhile the others need none", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({ servers: 4, settings: unicast([seed(0)]) })
      yield* group.settle()
      yield* group.crash(0)
      yield* group.settle({ within: "5 seconds" })
      yield* group.advance("1 minute")
      yield* group.start(0)
      yield* group.settle({ within: "2 seconds" })
    })))

  it.effect("a split heals within six heartbeats of the network, however long it lasted, also where no seed lives", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({ servers: 6, settings: unicast([seed(5)]) })
      yield* group.settle()
      yield* group.crash(5)
      const parts = [[0, 1, 2], [3, 4]]
      yield* group.partition(parts)
      for (const among of parts) yield* group.settle({ among, within: "5 seconds" })
      assert.strictEqual((yield* group.leaders).length, 2)
      yield* group.advance("5 minutes")
      yield* group.heal
      // One of those that fell silent is looked for with each heartbeat; two or three are remembered.
      yield* group.settle({ within: "3 seconds" })
      yield* holdsInvariants(group)
    })))
})

describe("a client without multicast", () => {
  it.effect("joins by one seed, sends to the leader, and hears all, also from the next leader", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({
        servers: 4,
        settings: (index) => unicast([seed(0)], { priority: index }),
        clients: { multicast: false, seeds: [none, seed(0)], profile: "fast" }
      })
      assert.strictEqual(yield* group.settle(), 3)
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      const joining = yield* Effect.forkChild(client.join, { startImmediately: true })
      yield* group.advance("1 second")
      yield* Fiber.join(joining)
      const say = Effect.fnUntraced(function*(body: string, within: Duration.Input) {
        const sending = yield* Effect.forkChild(client.send(body), { startImmediately: true })
        yield* group.advance(within)
        return yield* Fiber.join(sending)
      })
      assert.strictEqual(yield* say("a", "1 second"), 1)
      yield* group.crash(3)
      assert.strictEqual(yield* say("b", "6 seconds"), 2)
      yield* group.stop(2)
      assert.strictEqual(yield* say("c", "3 seconds"), 3)
      const heard = (yield* group.clients.events(0)).flatMap(({ event }) =>
        event.event === "MessageReceived" ? [event.body] : []
      )
      assert.deepStrictEqual(heard, ["a", "b", "c"])
      assert.strictEqual(group.multicasts(), 0)
    })))
})

describe("multicast and seeds together", () => {
  it.effect("those whom multicast does not reach are in the group by seeds, and elections reach them", () =>
    VirtualTime.run(Effect.gen(function*() {
      // The last two hear no multicast; only they have seeds.
      const settings = (index: number): Settings.Options => ({
        profile: "fast",
        unicastPort: port,
        priority: index,
        ...index < 3 ? {} : { seeds: [seed(0)] }
      })
      const group = yield* make({ servers: 3, settings })
      yield* group.settle({ within: "1 second" })
      for (const index of [3, 4]) {
        yield* group.setMulticastLoss(index, 1)
        yield* group.add
      }
      yield* group.advance("1 second")
      assert.strictEqual(yield* group.settle({ within: "3 seconds" }), 4)
      yield* group.advance("1 minute")
      assert.deepStrictEqual(yield* removals(group), [])
      yield* group.crash(4)
      assert.strictEqual(yield* group.settle({ within: "5 seconds" }), 3)
      yield* holdsInvariants(group)
    })))

  it.effect("one host with multicast off is a member like any other", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({
        servers: 4,
        settings: (index) =>
          index === 3
            ? unicast([seed(1)], { priority: 3 })
            : { profile: "fast", unicastPort: port, priority: index }
      })
      yield* group.advance("1 second")
      assert.strictEqual(yield* group.settle({ within: "2 seconds" }), 3)
      yield* group.advance("1 minute")
      assert.deepStrictEqual(yield* removals(group), [])
      yield* group.stop(3)
      assert.strictEqual(yield* group.settle({ within: "500 millis" }), 2)
      yield* group.start(3)
      yield* group.advance("1 second")
      assert.strictEqual(yield* group.settle({ within: "2 seconds" }), 3)
    })))
})

describe("a switch that forgets the group", () => {
  it.effect("splits nothing, and an election after it reaches all at once", () =>
    VirtualTime.run(Effect.gen(function*() {
      const group = yield* make({ servers: 5, settings: (index) => ({ profile: "fast", priority: index }) })
      yield* group.settle()
      for (let index = 0; index < 5; index++) yield* group.setMulticastLoss(index, 1)
      yield* group.advance("2 minutes")
      assert.deepStrictEqual(yield* removals(group), [])
      yield* group.stop(4)
      assert.strictEqual(yield* group.settle({ within: "300 millis" }), 3)
      yield* group.crash(3)
      assert.strictEqual(yield* group.settle({ within: "5 seconds" }), 2)
      yield* holdsInvariants(group)
      // It remembers: unicast is not needed any more, and nobody goes on with it.
      for (let index = 0; index < 5; index++) yield* group.setMulticastLoss(index, 0)
      yield* group.advance("30 seconds")
      let unicasts = 0
      yield* group.network.tap(({ via, what }) => {
        if (what === "sent" && via === "unicast") unicasts++
      })
      yield* group.advance("10 seconds")
      assert.strictEqual(unicasts, 0)
    })))
})
