/**
 * How a server asks over others whether it is heard ("Paths both ways").
 */
import { assert, describe, it } from "@effect/vitest"
import * as PathProbes from "../../src/protocol/membership/PathProbes.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import { StepContext } from "../../src/protocol/model/StepContext.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const { alive, id, member, nameOfId } = Peer

/** A server that hears these members. */
const among = (...names: ReadonlyArray<string>): Server => Server.live({}, names.map((name) => alive(name)))

/** One turn of a server in which only this happens; what it sends and drops. */
const context = (server: Server, act: (context: StepContext) => void, entropy = 1) => {
  const one = new StepContext(server.state, { monotonic: server.now, wall: server.now + server.wall, entropy })
  act(one)
  server.state = one.state
  return {
    probes: one.outputs.flatMap((output) =>
      output._tag === "Send" && output.message.type === "PATH_PROBE" ? [output.message] : []
    ),
    dropped: one.outputs.flatMap((output) => output._tag === "Drop" ? [output.reason] : [])
  }
}

const ask = (server: Server, entropy?: number) => context(server, PathProbes.ask, entropy).probes

const patience = ({ state: { timing } }: Server) => Timing.patience(timing, timing.heartbeatInterval)

interface Probe {
  readonly nonce: string
  readonly origin?: string
  readonly over?: number
  readonly incarnation?: number
}

/** A question of `origin` as `sender` says it. */
const probe = (sender: string, { incarnation, nonce, origin = sender, over = 0 }: Probe): Message.FromServer =>
  Peer.says(sender, {
    type: "PATH_PROBE",
    origin: { id: id(origin), incarnation: incarnation ?? member(origin).incarnation },
    nonce,
    over
  })

const relayed = (server: Server) =>
  server.said("PATH_PROBE").map(({ message: { nonce, origin, over, sender } }) =>
    `${nonce} of ${nameOfId(origin.id)} over ${over} by ${nameOfId(sender.id)}`
  )

describe("a question over others (protocol, paths both ways)", () => {
  it("goes to the group in the name of who asks, and ever more rarely while nobody is found", () => {
    const server = among("a")
    const { heartbeatInterval } = server.state.timing
    const [first] = ask(server)
    assert.deepStrictEqual([first?.over, first?.origin], [0, { id: id("m"), incarnation: member("m").incarnation }])
    assert.deepStrictEqual(ask(server), [])
    const waits: Array<number> = []
    for (let times = 0; times < 4; times++) {
      waits.push(server.state.pathProbes.until - server.now)
      server.now = server.state.pathProbes.until
      assert.strictEqual(ask(server).length, 1)
    }
    assert.strictEqual(waits[0], heartbeatInterval)
    assert.deepStrictEqual(waits.slice(1), waits.slice(0, -1).map((wait) => Math.min(patience(server), 2 * wait)))
    // Asked again after a long while, it begins anew.
    server.now = server.state.pathProbes.until + 4 * patience(server) + 1
    ask(server)
    assert.strictEqual(server.state.pathProbes.until - server.now, heartbeatInterval)
  })

  it("is asked by some only where the group is large, and its proof lasts longer by that", () => {
    const few = among("a")
    const many = among(...Array.from("abcdefghijklnopq"))
    const asked = (server: Server) =>
      Array.from({ length: 100 }, (_, entropy) => {
        server.now = Math.max(server.now, server.state.pathProbes.until)
        return ask(server, entropy).length
      }).reduce((sum, one) => sum + one)
    assert.strictEqual(asked(few), 100)
    assert.isTrue(asked(many) > 20 && asked(many) < 80)
    const left = 1.5 * patience(few)
    const isDue = (server: Server) => {
      let due: boolean | undefined
      context(server, (one) => void (due = PathProbes.isDue(one, server.now + left)))
      return due
    }
    assert.deepStrictEqual([isDue(few), isDue(many)], [false, true])
  })

  it("proves that the one that says it again hears us, and no other question does, nor one of an earlier start", () => {
    const server = among("a", "b")
    const [question] = ask(server)
    const { nonce } = question!
    const reached = () => ["a", "b"].filter((name) => server.knows(name).isReached)
    for (const other of [{ nonce: "0000000000000000" }, { nonce, incarnation: 1 }]) {
      server.hearDeaf(probe("a", { origin: "m", over: 1, ...other }))
      assert.deepStrictEqual(reached(), [])
    }
    server.hearDeaf(probe("a", { origin: "m", nonce, over: 1 }))
    assert.deepStrictEqual(reached(), ["a"])
    assert.isAbove(server.knows("a").hearsUsAt, server.now)
    // Somebody was found: the next one waits for nothing.
    assert.strictEqual(ask(server).length, 1)
  })

  it("of another is said again once, over three servers at most", () => {
    const server = among("a", "b")
    server.hearDeaf(probe("a", { nonce: "1" }))
    server.hearDeaf(probe("b", { origin: "a", nonce: "1", over: 1 }))
    assert.deepStrictEqual(relayed(server), ["1 of a over 1 by m"])
    for (const over of [2, 3]) server.hearDeaf(probe("b", { origin: "a", nonce: `over ${over}`, over }))
    assert.deepStrictEqual(relayed(server), ["over 2 of a over 3 by m"])
  })

  it("of others is said again twenty times in a second, and the rest is dropped and counted", () => {
    const server = among("a")
    const hear = (from: number, count: number) => {
      for (let number = from; number < from + count; number++) server.hearDeaf(probe("a", { nonce: `${number}` }))
      return [relayed(server).length, server.drops()] as const
    }
    assert.deepStrictEqual(hear(0, 22), [20, ["PathProbesFull", "PathProbesFull"]])
    server.advance(1_000)
    assert.deepStrictEqual(hear(22, 1), [1, []])
    // Only so many are told apart: what is long past is said once more.
    for (let second = 1; second < 5; second++) {
      server.advance(1_000)
      hear(100 * second, 20)
    }
    server.advance(1_000)
    assert.deepStrictEqual(hear(0, 1), [1, []])
  })
})
