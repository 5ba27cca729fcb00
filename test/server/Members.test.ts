/**
 * Members that talk, as an app sees it, on a simulated network.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Question from "../../src/protocol/model/Question.ts"
import * as Topic from "../../src/protocol/model/Topic.ts"
import type * as Members from "../../src/server/Members.ts"
import * as Topics from "../../src/server/Topics.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as VirtualTime from "../../src/testing/VirtualTime.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const news = Topic.make("news", Schema.Struct({ at: Schema.Date, text: Schema.String }))
const bare = Topic.make("news", Schema.Unknown)
const double = Question.make("double", { request: Schema.Int, response: Schema.Int, error: Refused })
const echo = Question.make("echo", { request: Schema.String, response: Schema.String })

const at = new Date(0)

const keys: Settings.Options = { key: Buffer.alloc(32, 1).toString("base64") }

const groupOf = Effect.fnUntraced(function*(settings: Settings.Options = {}, servers = 3) {
  const group = yield* SimulatedGroup.make({
    servers,
    seed: "talk",
    settings: (index) => ({
      profile: "fast",
      name: `s${index}`,
      ...settings,
      ...settings.multicast === false ? { seeds: ["10.0.0.1:5000"], unicastPort: 5_000 } : {}
    })
  })
  yield* group.settle({ within: "1 minute" })
  const members = yield* Effect.forEach(
    [...Array(servers).keys()],
    (index) => Effect.map(group.server(index), (server) => server.members)
  )
  const ids = yield* Effect.forEach(
    [...Array(servers).keys()],
    (index) => Effect.flatMap(group.server(index), ({ group }) => Effect.map(group.self, ({ id }) => id))
  )
  return { group, members, ids }
})

/** Runs something while time passes. */
const during = Effect.fnUntraced(function*<A, E>(group: SimulatedGroup.SimulatedGroup, effect: Effect.Effect<A, E>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  yield* group.until("it has ended", Effect.sync(() => fiber.pollUnsafe() !== undefined), { within: "1 minute" })
  return yield* Fiber.join(fiber)
})

/** What a reader hears, as it comes. */
const read = Effect.fnUntraced(function*<A>(members: Members.MembersShape, topic: Topic.Topic<A>) {
  const heard: Array<Members.Heard<A>> = []
  const stream = yield* members.subscribe(topic)
  yield* Effect.forkScoped(Stream.runForEach(stream, (one) => Effect.sync(() => void heard.push(one))))
  return heard
})

const errorOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) && exit.cause.reasons[0]?._tag === "Fail"
    ? (exit.cause.reasons[0].error as { readonly _tag: string })._tag
    : "none"

const kinds: ReadonlyArray<readonly [string, Settings.Options]> = [
  ["by multicast", {}],
  ["without multicast", { multicast: false }],
  ["under a key", keys]
]

for (const [kind, settings] of kinds) {
  describe(`members that talk, ${kind} (protocol, members that talk)`, () => {
    it.effect("say it to all and to one, each heard once, with its sender", () =>
      VirtualTime.run(Effect.gen(function*() {
        const { group, ids, members } = yield* groupOf(settings)
        yield* group.setDuplicate(0.5)
        const heard = yield* Effect.forEach(members, (one) => read(one, news))
        yield* members[0]!.broadcast(news, { at, text: "to all" })
        yield* group.advance("1 second")
        yield* members[1]!.sendTo(ids[2]!, news, { at, text: "to one" })
        yield* group.advance("1 second")
        assert.deepStrictEqual(
          heard.map((all) => all.map(({ body, by, from }) => `${from.name} ${by} ${body.text} ${body.at.getTime()}`)),
          [["s0 broadcast to all 0"], ["s0 broadcast to all 0"], ["s0 broadcast to all 0", "s1 sendTo to one 0"]]
        )
      })))

    it.effect("ask one, the leader and all, through a bad network, each handled once", () =>
      VirtualTime.run(Effect.gen(function*() {
        const { group, ids, members } = yield* groupOf(settings)
        const handled: Array<string> = []
        for (const [index, one] of members.entries()) {
          yield* one.handle(double, (number, from) => {
            handled.push(`${number} of ${from.name} by s${index}`)
            return number < 0 ? Effect.fail(new Refused({ why: "negative" })) : Effect.succeed(2 * number)
          })
        }
        const leader = yield* group.awaitLeader()
        yield* group.setLoss(0.2)
        yield* group.setDuplicate(0.2)
        assert.strictEqual(yield* during(group, members[0]!.ask(ids[1]!, double, 1)), 2)
        assert.strictEqual(yield* during(group, members[0]!.ask(ids[0]!, double, 2)), 4)
        assert.strictEqual(yield* during(group, members[0]!.ask("leader", double, 3)), 6)
        const failed = yield* Effect.exit(during(group, members[0]!.ask(ids[1]!, double, -1)))
        assert.strictEqual(errorOf(failed), "Refused")
        yield* group.pause(leader === 2 ? 1 : 2)
        const answers = yield* during(group, Stream.runCollect(members[0]!.askAll(double, 5, { within: "300 millis" })))
        assert.deepStrictEqual(answers.map((one) => one._tag), ["Answered", "Answered", "Silent"])
        const last = answers[2]!
        assert.deepStrictEqual(
          last._tag === "Silent" ? last.members.map(({ name }) => name) : [],
          [leader === 2 ? "s1" : "s2"]
        )
        const [first] = answers
        assert.deepStrictEqual(first?._tag === "Answered" ? first.result : null, Result.succeed(10))
        assert.deepStrictEqual(handled, [...new Set(handled)])
      })))

    it.effect("ask and answer above one datagram", () =>
      VirtualTime.run(Effect.gen(function*() {
        const { group, ids, members } = yield* groupOf(settings)
        yield* members[1]!.handle(echo, (text) => Effect.succeed(text))
        yield* group.setLoss(0.05)
        for (const text of ["x".repeat(65_534), "\"é\\".repeat(9_000)]) {
          assert.strictEqual(yield* during(group, members[0]!.ask(ids[1]!, echo, text, { within: "20 seconds" })), text)
        }
        const tooLarge = yield* Effect.flip(members[0]!.ask(ids[1]!, echo, "x".repeat(65_535)))
        assert.strictEqual(tooLarge.message, "the body takes 65537 bytes of JSON, 65536 are allowed")
      })))
  })
}

describe("what is said on a topic", () => {
  it.effect("is refused with both sizes where it is too large, and where nobody has that id", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { members: [one] } = yield* groupOf({}, 1)
      const tooLarge = yield* Effect.flip(one!.broadcast(bare, "x".repeat(899)))
      assert.strictEqual(tooLarge.message, "the body takes 901 bytes of JSON, 900 are allowed")
      yield* one!.broadcast(bare, "x".repeat(898))
      const refused = yield* Effect.flip(one!.broadcast(Topic.make("n", Schema.Int), 0.5))
      assert.strictEqual(refused._tag, "BodyRefused")
      const nobody = yield* Effect.flip(one!.sendTo(Member.NodeId.make("00000000000000ff"), bare, 1))
      assert.strictEqual(nobody._tag, "NoSuchMember")
    })))

  it.effect("is dropped and counted where its schema does not read it, and where a reader is too slow", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, ids, members } = yield* groupOf({}, 2)
      const heard = yield* read(members[1]!, news)
      yield* members[0]!.broadcast(bare, "no news")
      yield* members[0]!.broadcast(news, { at, text: "news" })
      yield* group.advance("1 second")
      assert.deepStrictEqual(heard.map(({ body }) => body.text), ["news"])
      const counts = Effect.flatMap(group.server(1), (server) => Effect.map(server.group.counters, ({ talk }) => talk))
      assert.deepStrictEqual((yield* counts).unreadable, 1)
      const slow = yield* members[1]!.subscribe(bare)
      for (let number = 0; number < Topics.capacity + 10; number++) {
        yield* members[0]!.sendTo(ids[1]!, bare, number)
        if (number % 50 === 0) yield* group.advance("100 millis")
      }
      yield* group.advance("1 second")
      assert.strictEqual((yield* counts).lost, 10)
      const [first] = yield* Stream.runCollect(Stream.take(slow, 1))
      assert.strictEqual(first?.body, 10)
    })))

  it.effect("is not sent above what leaves room for heartbeats, and counted", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, ids, members } = yield* groupOf({}, 2)
      for (let number = 0; number < 1_500; number++) {
        yield* members[0]!.sendTo(ids[1]!, bare, number)
        yield* members[0]!.broadcast(bare, number)
      }
      yield* group.advance("1 second")
      const { group: { counters } } = yield* group.server(0)
      assert.strictEqual((yield* counters).dropped["TalkTooFast"], 1_000)
      const heard = yield* Effect.flatMap(group.server(1), ({ group }) => group.counters)
      assert.isUndefined(heard.dropped["SourceTooFast"])
      assert.isAtMost(heard.talk.heard, 2_000)
    })))

  it.effect("ends with the server for its readers", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, members: [one] } = yield* groupOf({}, 1)
      const reading = yield* Effect.forkChild(Stream.runCollect(one!.messages(news)), { startImmediately: true })
      const subscribed = yield* one!.subscribe(news)
      yield* group.stop(0)
      assert.deepStrictEqual(yield* Fiber.join(reading), [])
      assert.deepStrictEqual(yield* Stream.runCollect(subscribed), [])
      assert.deepStrictEqual(yield* Stream.runCollect(one!.messages(news)), [])
    })))
})

describe("a question", () => {
  it.effect("without a handler, to one that does not lead, and to one that is gone is refused, each with its error", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, ids, members } = yield* groupOf()
      const ask = (to: Member.NodeId | "leader") =>
        Effect.map(Effect.exit(during(group, members[0]!.ask(to, double, 1, { within: "2 seconds" }))), errorOf)
      assert.strictEqual(yield* ask(ids[1]!), "NoHandler")
      assert.strictEqual(yield* ask(ids[0]!), "NoHandler")
      const scope = yield* Scope.make()
      yield* Scope.provide(members[1]!.handle(double, Effect.succeed), scope)
      assert.strictEqual(yield* ask(ids[1]!), "none")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* ask(ids[1]!), "NoHandler")
      yield* group.pause(1)
      assert.strictEqual(yield* ask(ids[1]!), "NoAnswer")
      yield* group.resume(1)
      yield* group.kill(1)
      yield* group.settle({ within: "1 minute" })
      assert.strictEqual(yield* ask(ids[1]!), "NoSuchMember")
      yield* group.stop(0)
      assert.strictEqual(yield* ask("leader"), "NoAnswer")
    })))

  it.effect("whose handler dies, answers too much or other than it says, or cannot read it fails its asker alone", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, ids, members } = yield* groupOf({}, 2)
      const ask = (text: string) =>
        Effect.map(Effect.exit(during(group, members[0]!.ask(ids[1]!, echo, text))), errorOf)
      yield* members[1]!.handle(echo, (text) =>
        text === "die"
          ? Effect.die(new Error("as asked"))
          : Effect.succeed(text === "much" ? "x".repeat(70_000) : text === "other" ? (1 as unknown as string) : text))
      for (let times = 0; times < 6; times++) assert.strictEqual(yield* ask("die"), "HandlerDied")
      assert.strictEqual(yield* ask("much"), "AnswerTooLarge")
      assert.strictEqual(yield* ask("other"), "HandlerDied")
      assert.strictEqual(yield* ask("well"), "none")
      const wrong = Question.make("echo", { request: Schema.Int, response: Schema.String })
      assert.strictEqual(
        errorOf(yield* Effect.exit(during(group, members[0]!.ask(ids[1]!, wrong, 1)))),
        "NotUnderstood"
      )
      const other = Question.make("echo", { request: Schema.String, response: Schema.Int })
      const exit = yield* Effect.exit(during(group, members[0]!.ask(ids[1]!, other, "a")))
      assert.strictEqual(errorOf(exit), "NotUnderstood")
      const again = yield* Effect.exit(Effect.scoped(members[1]!.handle(echo, Effect.succeed)))
      assert.isTrue(Exit.isFailure(again))
    })))

  it.effect("that is interrupted is waited for no more, and a handler ends with its scope", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { group, ids, members } = yield* groupOf({}, 2)
      const scope = yield* Scope.make()
      const begun = yield* Deferred.make<void>()
      let interrupted = 0
      yield* members[1]!.handle(echo, () =>
        Effect.andThen(
          Deferred.succeed(begun, undefined),
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++))
        )).pipe((handle) => Scope.provide(handle, scope))
      const asking = yield* Effect.forkChild(members[0]!.ask(ids[1]!, echo, "a"), { startImmediately: true })
      yield* group.advance("100 millis")
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(asking)
      const other = yield* Effect.forkChild(Effect.exit(members[0]!.ask(ids[1]!, echo, "b")), {
        startImmediately: true
      })
      yield* group.advance("100 millis")
      yield* Scope.close(scope, Exit.void)
      yield* group.advance("100 millis")
      assert.strictEqual(interrupted, 2)
      assert.strictEqual(errorOf(yield* Fiber.join(other)), "HandlerDied")
    })))
})
