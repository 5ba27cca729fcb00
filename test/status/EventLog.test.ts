/** The events of a group in the log of an app. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Group from "../../src/server/Group.ts"
import * as EventLog from "../../src/status/EventLog.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

interface Line {
  readonly level: LogLevel.LogLevel
  readonly text: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A logger that keeps its lines. */
const keeping = () => {
  const lines: Array<Line> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push({
      level: logLevel,
      text: Array.isArray(message) ? message.join(" ") : String(message),
      annotations: fiber.getRef(References.CurrentLogAnnotations)
    })
  })
  return { lines, layer: Logger.layer([logger]) }
}

const everyLevel = Effect.provideService(References.MinimumLogLevel, "All")

describe("the log of a group", () => {
  it.effect("has each event as one line, with the group, the server, the election and the term", () => {
    const { layer, lines } = keeping()
    return Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({
        servers: 2,
        seed: "log",
        settings: (index) => ({ group: "orders", profile: "fast", priority: index, name: `server-${index}` })
      })
      yield* group.settle()
      const { group: one, leadership } = yield* group.server(0)
      yield* Effect.provideService(Layer.build(EventLog.layer), Group.Group, one)
      lines.length = 0
      yield* leadership.of("invoices")
      yield* group.kill(1)
      yield* group.settle()
      yield* group.advance("10 seconds")
      const { id } = yield* one.self
      const ours = lines.filter(({ annotations }) => "event" in annotations)
      assert.isAbove(ours.length, 2)
      for (const { annotations, text } of ours) {
        assert.deepInclude(annotations, { group: "orders", node: id })
        assert.notInclude(text, "\n")
      }
      const named = ours.find(({ annotations }) => annotations["election"] === "invoices")
      assert.deepInclude(named?.annotations, { event: "LeaderChanged", cause: "Start" })
      assert.isNumber(named?.annotations["term"])
      const removed = ours.find(({ annotations }) => annotations["event"] === "MemberRemoved")
      assert.deepStrictEqual([removed?.level, /server-1/.test(removed?.text ?? "")], ["Warn", true])
    }).pipe(Effect.provide(layer), everyLevel)
  })

  it.effect("has less than ten lines an hour on a normal day at info, while clients send all the time", () => {
    const { layer, lines } = keeping()
    return Effect.gen(function*() {
      const group = yield* SimulatedGroup.make({ servers: 3, seed: "a normal day", settings: { group: "day" } })
      yield* group.settle()
      const { group: one } = yield* group.server(0)
      yield* EventLog.follow(one)
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      lines.length = 0
      for (let minute = 0; minute < 60; minute++) {
        yield* Effect.forkChild(client.send({ minute }))
        yield* group.advance("1 minute")
      }
      const loud = lines.filter(({ level }) => level !== "Debug" && level !== "Trace")
      assert.isBelow(loud.length, 10, loud.map(({ text }) => text).join("\n"))
      const received = lines.filter(({ annotations }) => annotations["event"] === "MessageReceived")
      assert.isAbove(received.length, 50)
    }).pipe(Effect.provide(layer), everyLevel)
  })
})

describe("the level of an event", () => {
  const member = { name: "beta" } as never
  const changed = (leader: unknown, cause: Event.Cause) =>
    EventLog.level({ event: "LeaderChanged", leader, cause } as Event.Event)

  it("is a warning where the lead was lost unasked, and none where another has it", () => {
    assert.strictEqual(changed(null, "Crashed"), "Warn")
    assert.strictEqual(changed(null, "LeaseLost"), "Warn")
    assert.strictEqual(changed(null, "Resigned"), "Info")
    assert.strictEqual(changed(member, "Crashed"), "Info")
  })

  it("is a warning where a member was lost, and none where it left", () => {
    const removed = (reason: Event.Reason) => EventLog.level({ at: 0, event: "MemberRemoved", member, reason })
    assert.strictEqual(removed({ _tag: "Left" }), "Info")
    assert.strictEqual(removed({ _tag: "Crashed", evidence: "" }), "Warn")
  })
})
