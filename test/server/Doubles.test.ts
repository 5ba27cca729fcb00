/**
 * Two servers of one group and name in one process, which nobody meant.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Doubles from "../../src/server/Doubles.ts"
import * as Settings from "../../src/settings/Settings.ts"

const member = (number: number, name = "vm"): Member.Member => ({
  id: Member.NodeId.make(number.toString(16).padStart(16, "0")),
  ip: "192.0.2.1",
  port: 40_000 + number,
  hostname: "vm",
  name,
  priority: 0,
  incarnation: 1,
  tags: {}
})

/** What is logged. */
const logged = Effect.fnUntraced(function*<E, R>(effect: Effect.Effect<void, E, R>) {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  yield* Effect.provide(effect, Logger.layer([logger]))
  return lines
})

const note = Effect.fnUntraced(function*(process: object | undefined, options: Settings.Options, self: Member.Member) {
  yield* Doubles.note(process, yield* Settings.make(options), self)
})

describe("a layer that is built twice in one process", () => {
  it.effect("is told once, with both servers", () =>
    Effect.gen(function*() {
      const process = {}
      const three = Effect.forEach([1, 2, 3], (number) => note(process, { group: "orders" }, member(number)))
      const lines = yield* logged(Effect.scoped(Effect.asVoid(three)))
      assert.deepStrictEqual(lines, [
        "two servers of group \"orders\" run in this process: \"vm\" (192.0.2.1:40001, id 0000000000000001) and \"vm\" "
        + "(192.0.2.1:40002, id 0000000000000002); a layer that is built twice starts two: provide one value of it, or give "
        + "each server a name of its own"
      ])
    }))

  it.effect("is told again once all of them have ended", () =>
    Effect.gen(function*() {
      const process = {}
      const two = Effect.forEach([1, 2], (number) => note(process, {}, member(number)), { discard: true })
      assert.strictEqual((yield* logged(Effect.scoped(two))).length, 1)
      assert.strictEqual((yield* logged(Effect.scoped(note(process, {}, member(3))))).length, 0)
      assert.strictEqual((yield* logged(Effect.scoped(two))).length, 1)
    }))

  it.effect("is none where the servers have names, groups, ports or processes of their own", () =>
    Effect.gen(function*() {
      const process = {}
      const lines = yield* logged(Effect.scoped(Effect.gen(function*() {
        yield* note(process, {}, member(1))
        yield* note(process, {}, member(2, "other"))
        yield* note(process, { group: "orders" }, member(3))
        yield* note(process, { port: 4_000 }, member(4))
        yield* note({}, {}, member(5))
        yield* note(undefined, {}, member(6))
        yield* note(undefined, {}, member(7))
      })))
      assert.deepStrictEqual(lines, [])
    }))
})
