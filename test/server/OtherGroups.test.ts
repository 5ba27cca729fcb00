import { assert, describe, it } from "@effect/vitest"
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as OtherGroups from "../../src/server/OtherGroups.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

const from = { ip: "192.0.2.7", port: 47_777 }
const interval = 500

/** Hears one datagram of a group at each of the times. */
const heard = (
  times: ReadonlyArray<number>,
  tag = "0000000a",
  groups = OtherGroups.make(Duration.millis(interval))
) => {
  for (const at of times) groups.hear(tag, from, at)
  return groups
}
const every = (millis: number, count: number) => Array.from({ length: count }, (_, index) => index * millis)

describe("another group on our address and port", () => {
  it("is reported once it is heard all the time, with its tag, its source, and how often", () => {
    const groups = heard(every(interval, 6))
    assert.deepStrictEqual(groups.due(3_000), [])
    heard([3_000], "0000000a", groups)
    assert.deepStrictEqual(groups.due(3_000), [{ tag: "0000000a", from: "192.0.2.7:47777", count: 7 }])
  })

  it("is reported also if it speaks less often than we do", () => {
    assert.lengthOf(heard(every(10_000, 4)).due(30_000), 1)
  })

  it.each([
    ["a single datagram", [0]],
    ["a burst", every(1, 400)],
    ["a question, said again for a while", [0, 50, 150, 1_000, 2_000]],
    ["single datagrams, minutes apart", every(61_000, 10)]
  ])("is not told for %s", (_, times) => {
    assert.deepStrictEqual(heard(times).due(times.at(-1)!), [])
  })

  it("that asks us for a while is not reported if our heartbeats are farther apart than that", () => {
    assert.deepStrictEqual(heard(every(1_000, 13), "a", OtherGroups.make(Duration.seconds(10))).due(13_000), [])
  })

  it("is reported again after an hour, if it is still heard, also if it was silent meanwhile", () => {
    const hour = 3_600_000
    const groups = heard(every(1_000, 10))
    assert.lengthOf(groups.due(10_000), 1)
    heard([11_000, 12_000], "0000000a", groups)
    assert.deepStrictEqual([groups.due(12_000), groups.due(hour)], [[], []])
    assert.deepStrictEqual(groups.due(hour + 10_000).map(({ count }) => count), [2])
    assert.deepStrictEqual(groups.due(3 * hour), [])

    heard(every(1_000, 10).map((at) => 3 * hour + at), "0000000a", groups)
    assert.deepStrictEqual(groups.due(3 * hour + 10_000).map(({ count }) => count), [10])
    heard(every(1_000, 10).map((at) => 3 * hour + 100_000 + at), "0000000a", groups)
    assert.deepStrictEqual(groups.due(3 * hour + 110_000), [])
  })

  it("is one of sixteen that are remembered: beyond, the one not heard for the longest is forgotten", () => {
    const groups = OtherGroups.make(Duration.millis(interval))
    for (let at = 0; at < 10; at++) {
      for (let tag = 1; tag <= 16; tag++) groups.hear(`tag ${tag}`, from, at * 1_000 + tag)
    }
    groups.hear("tag 17", from, 10_000)
    assert.deepStrictEqual(
      groups.due(10_000).map(({ tag }) => tag),
      Array.from({ length: 15 }, (_, index) => `tag ${index + 2}`)
    )
  })
})

describe("a server that shares its address and port with another group", () => {
  it.effect("tells and logs it once in the first hour, with the tag that doctor shows", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const keep = Logger.make<unknown, void>(({ message }) => void logged.push(String(message)))
      yield* Effect.gen(function*() {
        const names = ["orders", "order"]
        const group = yield* SimulatedGroup.make({
          servers: 2,
          seed: "misspelt",
          settings: (index) => ({ profile: "fast", group: names[index]! })
        })
        yield* group.advance("5 minutes")
        for (const index of [0, 1]) {
          const told = (yield* group.events(index)).flatMap(({ event }) => event.event === "OtherGroup" ? [event] : [])
          assert.deepStrictEqual(told.map(({ tag }) => tag), [bytesToHex(Frame.groupTag(names[1 - index]!))])
          assert.isAbove(told[0]!.count, 3)
        }
      }).pipe(Effect.provide(Logger.layer([keep])))
      assert.strictEqual(logged.filter((line) => line.includes("group of another name")).length, 2)
    }))
})
