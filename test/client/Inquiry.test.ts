import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Runtime from "effect/Runtime"
import * as Inquiry from "../../src/client/Inquiry.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Settings from "../../src/settings/Settings.ts"
import type * as SimulatedNetwork from "../../src/testing/SimulatedNetwork.ts"
import * as Messenger from "../../src/transport/Messenger.ts"
import * as World from "../simulation/World.ts"

/** A group of servers that have settled, and a program that is none of them. */
const asked = Effect.fnUntraced(
  function*(
    options: { readonly servers: number; readonly loss?: number; readonly key?: string; readonly askedWith?: string }
  ) {
    const world = yield* World.make({ seed: "inquiry" })
    const servers = yield* world.startAll(options.servers, { key: options.key })
    yield* World.pass(5_000)
    if (options.loss !== undefined) yield* world.network.setLoss(options.loss)
    const asker = yield* world.network.host("asker")
    const settings = yield* Settings.make({ key: options.askedWith ?? options.key })
    const ask = Effect.gen(function*() {
      const asking = yield* Effect.forkChild(
        Effect.exit(Effect.provide(Inquiry.members(settings, { timeout: "10 seconds" }), asker.layerDatagrams)),
        { startImmediately: true }
      )
      yield* World.pass(11_000)
      return yield* yield* Fiber.join(asking)
    })
    return { servers, ask }
  }
)

describe("a question to a group", () => {
  it.effect("is answered with everyone, page by page, in the order of rank", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* asked({ servers: 40 })
      const { leader, members, term } = yield* ask
      const view = yield* servers[0]!.group.view
      assert.deepStrictEqual(members.map(({ id }) => id), servers.map(({ self }) => self.id))
      assert.deepStrictEqual(leader, view.reign?.leader)
      assert.strictEqual(term, view.term)
    }))

  it.effect("is answered by a seed if there is no multicast, under every leader", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      const seeds = ["10.0.0.9:5000", "10.0.0.3:5000"]
      const servers = yield* world.startAll(12, { multicast: false, unicastPort: 5_000, seeds })
      yield* World.pass(5_000)
      const asker = yield* world.network.host("asker")
      const settings = yield* Settings.make({ multicast: false, seeds: ["10.0.0.99:5000", "s2:5000"] })
      const asking = yield* Effect.forkChild(
        Effect.provide(Inquiry.members(settings), asker.layerDatagrams),
        { startImmediately: true }
      )
      yield* World.pass(1_000)
      const { leader, members } = yield* Fiber.join(asking)
      assert.strictEqual(members.length, 12)
      assert.strictEqual(leader?.id, servers[0]!.self.id)
    }))

  it.effect("finds its way through a third of all datagrams lost", () =>
    Effect.gen(function*() {
      const { ask } = yield* asked({ servers: 30, loss: 0.3 })
      assert.strictEqual((yield* ask).members.length, 30)
    }))

  it.effect("of a group with a key is answered to a program that has the key, also with a third of all datagrams lost", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* asked({ servers: 20, key: "5e".repeat(32) })
      assert.strictEqual((yield* ask).members.length, 20)
      assert.strictEqual((yield* servers[0]!.group.members).length, 20)
      const { ask: lossy } = yield* asked({ servers: 10, key: "5e".repeat(32), loss: 0.3 })
      assert.strictEqual((yield* lossy).members.length, 10)
    }))

  it.effect("of a group with a key is not answered to a program that has none or another", () =>
    Effect.gen(function*() {
      const { ask } = yield* asked({ servers: 3, key: "5e".repeat(32), askedWith: "5f".repeat(32) })
      const error = yield* Effect.flip(ask)
      assert.strictEqual(error._tag, "NoAnswer")
      assert.include(error.message, "key")
    }))

  it.effect("makes nobody a member", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* asked({ servers: 3 })
      yield* ask
      for (const { group } of servers) assert.strictEqual((yield* group.members).length, 3)
    }))

  it.effect("that nobody answers fails, and says where it was asked and what to check", () =>
    Effect.gen(function*() {
      const { ask } = yield* asked({ servers: 0 })
      const error = yield* Effect.flip(ask)
      assert.strictEqual(error._tag, "NoAnswer")
      assert.match(error.message, /^nobody in group "default" answered within 10000 ms on 239\.255\.253\.87:16983/)
      assert.strictEqual(Runtime.getErrorExitCode(error), 3)
    }))
})

/** The pages of lists that came to a machine, by the names of the machines that sent them. */
const answersTo = (world: World.World, { ip }: SimulatedNetwork.Host) =>
  world.said.filter(({ message, to }) => message.type === "MEMBERS" && to?.ip === ip).map(({ by }) => by)

const within = <A, E>(asking: Effect.Effect<A, E>, millis: number) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(asking, { startImmediately: true })
    yield* World.pass(millis)
    return yield* Fiber.join(fiber)
  })

describe("a question to a group whose leader is lost and not yet removed", () => {
  it.effect("is answered by another, which says whom it follows and since when that one is silent", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      const [leader, second] = yield* world.startAll(3)
      yield* World.pass(5_000)
      yield* leader!.host.pause
      yield* World.pass(600)
      const asker = yield* world.network.host("asker")
      const settings = yield* Settings.make()
      const ask = Effect.provide(Inquiry.leader(settings, { timeout: "1 second" }), asker.layerDatagrams)
      const answer = yield* within(ask, 1_000)
      assert.strictEqual(answer.leader?.id, leader!.self.id)
      assert.notStrictEqual(answer.by, leader!.self.id)
      const line = answer.members.find(({ id }) => id === leader!.self.id)
      assert.isAtLeast(line?.heard ?? 0, 600)
      assert.isNotNull(second!.reign(), "nobody has noticed yet")
    }))

  it.effect("is answered in a large group by few at a time, though half of it is lost", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      const servers = yield* world.startAll(30)
      yield* World.pass(5_000)
      const asker = yield* world.network.host("asker")
      const settings = yield* Settings.make()
      const ask = Effect.provide(Inquiry.leader(settings, { timeout: "2 seconds" }), asker.layerDatagrams)
      yield* within(ask, 2_000)
      assert.deepStrictEqual(answersTo(world, asker), ["s1"], "the leader alone, as long as it lives")
      yield* Effect.forEach(servers.slice(0, 15), (server) => server.kill, { discard: true })
      const { by } = yield* within(ask, 2_000)
      assert.include(servers.slice(15).map(({ self }) => self.id), by)
      assert.isAtMost(answersTo(world, asker).length, 1 + 20)
    }))

  it.effect("is answered with nobody leading if nobody does", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      yield* world.startAll(2, { leadership: "lease", groupSize: 5 })
      yield* World.pass(5_000)
      const asker = yield* world.network.host("asker")
      const settings = yield* Settings.make()
      const ask = Effect.provide(Inquiry.leader(settings), asker.layerDatagrams)
      assert.isNull((yield* within(ask, 1_000)).leader)
    }))
})

describe("a question to this host alone", () => {
  /** s1 leads; s2 is on the machine that asks. */
  const onHost = Effect.fnUntraced(function*(options: Settings.Options = {}) {
    const world = yield* World.make({ seed: "inquiry" })
    const servers = yield* world.startAll(3, options)
    yield* World.pass(5_000)
    const settings = yield* Settings.make(options)
    const ask = (thisHost: boolean, unicastPort = settings.unicastPort) =>
      within(
        Effect.result(Effect.provide(
          Inquiry.members({ ...settings, unicastPort }, { thisHost, timeout: "1 second" }),
          servers[1]!.host.layerDatagrams
        )),
        1_000
      )
    return { world, servers, ask }
  })

  it.effect("is answered by its server, under every leader, and by nobody else's when that one is gone", () =>
    Effect.gen(function*() {
      const { ask, servers } = yield* onHost()
      const answer = yield* Effect.fromResult(yield* ask(true))
      assert.strictEqual(answer.by, servers[1]!.self.id)
      assert.strictEqual(answer.members.length, 3)
      yield* servers[1]!.kill
      const error = yield* Effect.flip(Effect.fromResult(yield* ask(true)))
      assert.strictEqual(error._tag, "NoAnswer")
      assert.match(error.message, /^no server of group "default" on this host answered within 1000 ms on 239/)
      assert.strictEqual((yield* Effect.fromResult(yield* ask(false))).by, servers[0]!.self.id)
    }))

  it.effect("does not leave the host", () =>
    Effect.gen(function*() {
      const { ask, servers, world } = yield* onHost()
      const heard = new Set<string | undefined>()
      yield* world.network.tap(({ payload, receiver, what }) => {
        const message = Frame.decode(payload, Frame.groupTag("default"))
        if (what !== "delivered" || Result.isFailure(message)) return
        if (message.success.type === "MEMBERS_ASK") heard.add(receiver)
      })
      yield* ask(true)
      assert.deepStrictEqual([...heard], [servers[1]!.name])
      yield* ask(false)
      assert.strictEqual(heard.size, servers.length)
    }))

  it.effect("with a fixed port is answered by the server at that port, also without multicast", () =>
    Effect.gen(function*() {
      for (const options of [{ unicastPort: 5_000 }, { unicastPort: 5_000, multicast: false, seeds: ["s1:5000"] }]) {
        const { ask, servers } = yield* onHost(options)
        assert.strictEqual((yield* Effect.fromResult(yield* ask(true))).by, servers[1]!.self.id)
        assert.strictEqual((yield* Effect.flip(Effect.fromResult(yield* ask(true, 5_001))))._tag, "NoAnswer")
      }
    }))

  it.effect("is refused if no server of this host can be told from others", () =>
    Effect.gen(function*() {
      const { ask } = yield* onHost({ multicast: false, seeds: ["s1:5000"], unicastPort: 5_000 })
      const error = yield* Effect.flip(Effect.fromResult(yield* ask(true, 0)))
      assert.strictEqual(error._tag, "SettingRefused")
      assert.match(error.message, /^--this-host is given without multicast; allowed: .* unicastPort/)
    }))
})

describe("a list that is read page by page", () => {
  const line = (number: number, details?: object): Message.Listed => ({
    id: Member.NodeId.make(number.toString(16).padStart(16, "0")),
    ip: "10.0.0.1",
    port: 4_000,
    name: `m${number}`,
    priority: -number,
    incarnation: 1,
    heard: 0,
    ...details
  })
  const page = (
    { nonce, page }: Message.Of<"MEMBERS_ASK">,
    change: Partial<Message.Of<"MEMBERS">>
  ): Message.Of<"MEMBERS"> => ({
    type: "MEMBERS",
    from: { id: line(page).id, incarnation: 1 },
    term: 7,
    leader: null,
    nonce,
    page,
    of: 3,
    list: [line(page)],
    ...change
  })

  /** A machine on which somebody answers such questions in its own way. */
  const answering = Effect.fnUntraced(function*(
    world: World.World,
    name: string,
    answer: (ask: Message.Of<"MEMBERS_ASK">) => Message.Of<"MEMBERS"> | null
  ) {
    const { datagrams } = yield* world.network.host(name)
    const { multicastAddress, port, ttl } = yield* Settings.make()
    const endpoint = yield* datagrams.open({ multicastAddress, port, ttl, interfaces: [], unicastPort: 0 })
    const messenger = yield* Messenger.make(endpoint, Frame.groupTag("default"), () => {})
    const asked: Array<Message.Of<"MEMBERS_ASK">> = []
    const reply = Effect.flatMap(messenger.receive, (received) =>
      Effect.forEach(received, ({ from, message }) => {
        if (message.type !== "MEMBERS_ASK") return Effect.void
        asked.push(message)
        const said = answer(message)
        return said === null ? Effect.void : Effect.ignore(messenger.send(from, said))
      }))
    yield* Effect.forkScoped(Effect.forever(reply), { startImmediately: true })
    return asked
  })

  const ask = Effect.fnUntraced(function*(world: World.World, timeout = 2_000) {
    const asker = yield* world.network.host("asker")
    const settings = yield* Settings.make()
    return yield* within(
      Effect.result(Effect.provide(Inquiry.members(settings, { timeout }), asker.layerDatagrams)),
      timeout
    )
  })
  const names = (answer: Inquiry.Answer) => answer.members.map(({ name }) => name)

  it.effect("is read from another server if the one that answered falls silent", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      let isLost = false
      yield* answering(world, "one", (ask) => {
        if (isLost) return null
        isLost = ask.page === 1
        return isLost ? null : page(ask, {})
      })
      yield* answering(world, "other", (ask) => isLost ? page(ask, { of: 2, list: [line(10 + ask.page)] }) : null)
      assert.deepStrictEqual(names(yield* Effect.fromResult(yield* ask(world))), ["m10", "m11"])
    }))

  it.effect("is read anew if it changes meanwhile, but not without end", () =>
    Effect.gen(function*() {
      for (const isCalm of [true, false]) {
        const world = yield* World.make({ seed: "inquiry" })
        let view = 0
        const asked = yield* answering(world, "one", (ask) => {
          if (!isCalm || view < 2) view += 1
          return page(ask, { view })
        })
        const answer = yield* Effect.fromResult(yield* ask(world))
        assert.deepStrictEqual(names(answer), ["m0", "m1", "m2"])
        assert.strictEqual(asked.filter(({ page }) => page === 0).length, isCalm ? 2 : 4)
      }
    }))

  it.effect("is not taken for no answer if only a part of it comes in time", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      yield* answering(world, "one", (ask) => ask.page === 2 ? null : page(ask, {}))
      const error = yield* Effect.flip(Effect.fromResult(yield* ask(world)))
      assert.strictEqual(error._tag, "ListUnfinished")
      assert.match(
        error.message,
        /^10\.0\.0\.1:\d+ answered, but only \d of the 3 pages of its list came within 2000 ms/
      )
      assert.strictEqual(Runtime.getErrorExitCode(error), 3)
    }))

  it.effect("tells host names and tags, and those that its server does not tell are left out", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ seed: "inquiry" })
      yield* world.start("new", { tags: { zone: "a" } })
      yield* World.pass(5_000)
      const [told] = (yield* Effect.fromResult(yield* ask(world))).members
      assert.deepInclude(told, { hostname: "new", tags: { zone: "a" } })
      const older = yield* World.make({ seed: "inquiry" })
      yield* answering(older, "old", (ask) => page(ask, { of: 1 }))
      assert.notProperty((yield* Effect.fromResult(yield* ask(older))).members[0], "tags")
    }))

  it.effect("is read without details if those would take longer than there is time", () =>
    Effect.gen(function*() {
      for (
        const { of, timeout } of [{ of: 151, timeout: 2_000 }, { of: 150, timeout: 2_000 }, { of: 151, timeout: 4_000 }]
      ) {
        const world = yield* World.make({ seed: "inquiry" })
        const asked = yield* answering(world, "one", (ask) => page(ask, { of: ask.details === true ? of : 1 }))
        const answer = yield* ask(world, timeout)
        assert.isTrue(answer._tag === "Success")
        assert.strictEqual(asked.some(({ details = false }) => !details), of === 151 && timeout === 2_000)
      }
    }))
})
