import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as EventHub from "../../src/engine/EventHub.ts"

interface Counted {
  readonly at: number
  readonly event: "Counted"
}

/** A hub of counted events, whose view is how many there were. */
const counting = Effect.gen(function*() {
  const scope = yield* Scope.fork(yield* Effect.scope)
  let count = 0
  const hub = yield* Scope.provide(EventHub.make<number, Counted>(() => count), scope)
  return {
    hub,
    publish: (times: number) => {
      for (let i = 0; i < times; i++) {
        count += 1
        hub.publish({ at: count, event: "Counted" })
      }
    },
    end: Scope.close(scope, Exit.void)
  }
})

/** Of what was read, the numbers of the events, and in brackets how many were lost in their place. */
const shown = (events: ReadonlyArray<Counted | EventHub.Lost>) =>
  events.map((event) => event.event === "EventsLost" ? `(${event.count})` : String(event.at))

const read = (subscription: EventHub.Subscription<number, Counted>) =>
  Effect.map(Stream.runCollect(subscription.events), shown)

describe("the events of a server and of a client", () => {
  it.effect("are all read by one reader, while another reads none: its losses are told to that one alone", () =>
    Effect.gen(function*() {
      const { end, hub, publish } = yield* counting
      hub.forgetBeginning()
      const idle = yield* hub.subscribe
      const quick = yield* hub.subscribe
      const total = 3 * EventHub.capacity
      const seen: Array<string> = []
      const reading = yield* Effect.forkChild(
        Stream.runForEach(quick.events, (event) => Effect.sync(() => seen.push(...shown([event])))),
        { startImmediately: true }
      )
      for (let published = 512; published <= total; published += 512) {
        publish(512)
        while (seen.length < published) yield* Effect.yieldNow
      }
      yield* end
      yield* Fiber.join(reading)
      assert.deepStrictEqual(seen, Array.from({ length: total }, (_, index) => String(index + 1)))
      const late = yield* read(idle)
      assert.deepStrictEqual(late.slice(0, 2), [
        `(${total - EventHub.capacity})`,
        String(total - EventHub.capacity + 1)
      ])
      assert.strictEqual(late.length, EventHub.capacity + 1)
    }))

  it.effect("begin with the first for who subscribes while the beginning is kept, with the view of before it", () =>
    Effect.gen(function*() {
      const { end, hub, publish } = yield* counting
      publish(2)
      const early = yield* hub.subscribe
      hub.forgetBeginning()
      publish(1)
      const late = yield* hub.subscribe
      publish(1)
      yield* end
      assert.deepStrictEqual([early.view, early.sequence, yield* read(early)], [0, 0, ["1", "2", "3", "4"]])
      assert.deepStrictEqual([late.view, late.sequence, yield* read(late)], [3, 3, ["4"]])
    }))

  it.effect("that are too many to be kept from the beginning are followed from a view of them", () =>
    Effect.gen(function*() {
      const { end, hub, publish } = yield* counting
      publish(EventHub.capacity + 1)
      const reader = yield* hub.subscribe
      publish(1)
      yield* end
      assert.strictEqual(reader.view, EventHub.capacity + 1)
      assert.deepStrictEqual(yield* read(reader), [String(EventHub.capacity + 2)])
    }))

  it.effect("end with the hub: what was published before is read first, and who comes after reads nothing", () =>
    Effect.gen(function*() {
      const { end, hub, publish } = yield* counting
      hub.forgetBeginning()
      const reader = yield* hub.subscribe
      publish(1)
      yield* end
      const after = yield* hub.subscribe
      assert.deepStrictEqual([yield* read(reader), yield* read(after)], [["1"], []])
    }))

  it.effect("are read on from where an earlier reader stopped, with the view of now", () =>
    Effect.gen(function*() {
      const { end, hub, publish } = yield* counting
      publish(5)
      const later = yield* hub.subscribeAfter(3)
      publish(1)
      yield* end
      assert.deepStrictEqual([later.view, later.sequence, yield* read(later)], [5, 3, ["4", "5", "6"]])
    }))

  it.effect("that are read on too late are told as lost as far as nobody has kept them", () =>
    Effect.gen(function*() {
      const { end, hub, publish } = yield* counting
      const total = 3 * EventHub.historyCapacity
      publish(total)
      const late = yield* hub.subscribeAfter(1)
      yield* end
      const [lost, ...kept] = yield* read(late)
      assert.strictEqual(lost, `(${total - 1 - kept.length})`)
      assert.isAtLeast(kept.length, EventHub.historyCapacity)
      assert.strictEqual(kept.at(-1), String(total))
    }))

  it.effect("are kept for nobody whose subscription is closed", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* counting
      const closed = yield* Effect.scoped(hub.subscribe)
      publish(1)
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(read(closed))))
    }))
})
