/** In a large group heartbeats come less often, and who is silent for it is not missed (protocol 4, the pace of heartbeats). */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, reign } = Peer

/** With a heartbeat each 10 s, ten others are as many as one heartbeat a second allows. */
const timing = { maxHeartbeatsPerSecond: 1, heartbeatInterval: 10_000 }

/** The reign of `z`, in a term above all that are made here. */
const ofZ = reign(9_000_000, "z")

/** `z` leads, and so many more are there. `m` is this server. */
const namesOf = (others: number): ReadonlyArray<string> =>
  ["z", ...Array.from("abcdefghijklnopqrstuvwxy")].slice(0, others)

const beside = (others: number): Server => {
  const server = Server.live({ timing }, namesOf(others).map((name) => alive(name, ofZ)))
  server.hear(alive("z", ofZ))
  assert.strictEqual(server.follows, "z")
  return server.forget()
}

/** Others go on, so that nobody is missed; at which ticks this server says its heartbeat, and what interval it announces. */
const ticks = (server: Server, count: number, others: () => ReadonlyArray<string>) => {
  const said: Array<{ readonly at: number; readonly interval: number }> = []
  for (let tick = 0; tick < count; tick++) {
    for (const name of others()) server.hear(alive(name, ofZ))
    server.forget().step({ _tag: "Heartbeat" })
    for (const { message, to } of server.said("SERVER_ALIVE")) {
      assert.isNull(to)
      said.push({ at: tick, interval: message.interval })
    }
    server.advance(10_000)
  }
  return said
}

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))
const Most = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))

describe("the interval of a server that leads nothing (protocol 4, the pace of heartbeats)", () => {
  it.prop(
    "is the configured one, or as many of them as keep what others hear below the limit on the average",
    [Count, Most],
    ([others, maxHeartbeatsPerSecond]) => {
      const heartbeatInterval = 500
      const interval = Timing.intervalBeside({ heartbeatInterval, maxHeartbeatsPerSecond }, others)
      assert.strictEqual(interval % heartbeatInterval, 0)
      assert.isAtMost(interval, 3_600_000)
      const mean = interval === heartbeatInterval ? interval : interval * (1 + Timing.leastShare) / 2
      if (interval < 3_600_000) assert.isAtMost(others * 1_000 / mean, maxHeartbeatsPerSecond)
      if (others * 1_000 / maxHeartbeatsPerSecond <= heartbeatInterval) assert.strictEqual(interval, heartbeatInterval)
    }
  )

  it("is never longer than what may be announced", () => {
    const most = { heartbeatInterval: 3_600_000, maxHeartbeatsPerSecond: 1 }
    assert.strictEqual(Timing.intervalBeside(most, 65_535), 3_600_000)
  })
})

describe("heartbeats (protocol 4, the pace of heartbeats)", () => {
  it("come with each tick in a group that is small enough", () => {
    const said = ticks(beside(10), 5, () => namesOf(10))
    assert.deepStrictEqual(said, [0, 1, 2, 3, 4].map((at) => ({ at, interval: 10_000 })))
  })

  it("come less often in a larger one, after half of the announced interval at least and never after more", () => {
    const said = ticks(beside(20), 300, () => namesOf(20))
    assert.isTrue(said.every(({ interval }) => interval === 30_000))
    const gaps = said.slice(1).map(({ at }, index) => at - said[index]!.at)
    assert.isAtMost(Math.max(...gaps), 3)
    assert.isAtLeast(Math.min(...gaps), 1)
    assert.isAbove(new Set(gaps).size, 1, "they are drawn at random")
    // 20 others, each once in 20 s or less often.
    assert.isAtMost(said.length, 300 / 2)
    assert.isAtLeast(said.length, 300 / 3)
  })

  it("of a start among many that start are put off when they are due, as the group has grown since", () => {
    const firsts = Array.from({ length: 60 }, (_, entropy) => {
      const server = new Server({ timing, entropy: entropy * 71_582_788 })
      server.step({ _tag: "Start" })
      server.step({ _tag: "Heartbeat" })
      assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.interval), [10_000])
      for (const name of namesOf(20)) server.hear(Peer.probe(name))
      server.hear(alive("z", ofZ))
      server.advance(2_000).hear(alive("z", ofZ))
      server.advance(8_000)
      return ticks(server, 5, () => namesOf(20))[0]?.at ?? Infinity
    })
    for (const tick of [0, 1, 2, 3]) {
      const count = firsts.filter((at) => at === tick).length
      assert.isAtMost(count, 40, `tick ${tick} is not that of most`)
    }
    assert.isAtMost(Math.max(...firsts), 3)
  })

  it("of a leader keep their pace, and when it leads no more the next one says that others come less often", () => {
    const server = Server.live({ timing }, namesOf(20).slice(1).filter((name) => name < "m").map((name) => alive(name)))
    server.advance(1_000)
    assert.isTrue(server.leads)
    const few = () => namesOf(20).slice(1).filter((name) => name < "m")
    for (const name of few()) server.hear(alive(name, reign(server.term, "m")))
    assert.isAbove(few().length, 10)
    for (let tick = 0; tick < 3; tick++) {
      server.forget().step({ _tag: "Heartbeat" })
      assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.interval), [10_000])
      server.advance(10_000)
    }
    server.step({ _tag: "Resign" })
    server.advance(1)
    assert.isFalse(server.leads)
    server.forget().step({ _tag: "Heartbeat" })
    assert.deepStrictEqual(server.said("SERVER_ALIVE").map(({ message }) => message.interval), [20_000])
    server.advance(10_000)
    server.hear(alive("z", ofZ))
    assert.isAtMost(ticks(server, 20, () => ["z", ...few()]).length, 15)
  })
})

describe("a member of a large group (protocol 4, the pace of heartbeats)", () => {
  const isAsked = (server: Server, name: string): boolean => {
    server.step({ _tag: "Sweep" })
    return server.checked.includes(name)
  }
  const others = namesOf(20)
  const keep = (server: Server, silent: string, millis: number): void => {
    for (let passed = 0; passed < millis; passed += 5_000) {
      for (const name of others) if (name !== silent) server.hear(alive(name, ofZ))
      server.advance(5_000)
    }
  }

  it("is left alone for the interval of such a group, regardless of what it announced when the group was smaller", () => {
    const server = beside(20)
    keep(server, "a", 40_000)
    assert.isFalse(isAsked(server, "a"))
    keep(server, "a", 10_000)
    assert.isTrue(isAsked(server, "a"))
    server.advance(1_000)
    assert.include(server.members, "a", "it is kept for three of these intervals")
    keep(server, "a", 45_000)
    server.step({ _tag: "Sweep" })
    server.advance(1_000)
    assert.notInclude(server.members, "a")
  })

  it("is left alone for the interval that it announced, if that is longer", () => {
    const server = beside(20)
    server.hear({ ...alive("a", ofZ), interval: 60_000 } as never)
    keep(server, "a", 85_000)
    assert.isFalse(isAsked(server, "a"))
    keep(server, "a", 10_000)
    assert.isTrue(isAsked(server, "a"))
  })

  it("that leads anything is expected at its own pace", () => {
    const server = beside(20)
    server.hear({ ...alive("a", ofZ), pace: 500 } as never)
    keep(server, "a", 20_000)
    assert.isTrue(isAsked(server, "a"))
  })
})
