import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Member from "../../src/protocol/model/Member.ts"
import type { LinkPeer } from "../../src/protocol/model/Output.ts"
import * as LinkStarts from "../../src/transport/node/LinkStarts.ts"

const id = Member.NodeId.make("00000000000000bb")

/** The links of one server, and what was done about them. */
const make = (isKept = false) => {
  const happened: Array<string> = []
  const starts = LinkStarts.make({
    isKept: () => isKept,
    up: ({ incarnation }) => void happened.push(`up ${incarnation}`),
    left: ({ incarnation }) => void happened.push(`given up ${incarnation}`),
    broke: ({ incarnation }) => void happened.push(`broke ${incarnation}`)
  })
  const link = (name: string, opened: boolean, incarnation = 1, port = 1): LinkStarts.Link => ({
    socket: {
      remote: "127.0.0.1",
      peer: () => ({ id, incarnation, port }),
      leave: () => void happened.push(`left ${name}`)
    },
    peer: { id, incarnation, address: { ip: "127.0.0.1", port } },
    opened,
    ended: Deferred.makeUnsafe()
  })
  return { starts, link, happened }
}

describe("the links with one start (protocol 4)", () => {
  it("the first is told, and how the last one ended; what ends beside another is not", () => {
    const { happened, link, starts } = make(true)
    const [first, second] = [link("first", true), link("second", false)]
    starts.add(first)
    starts.add(second)
    starts.ended(first, true)
    assert.deepStrictEqual(happened, ["up 1"])
    starts.ended(second, true)
    starts.ended(second, true)
    assert.deepStrictEqual(happened, ["up 1", "broke 1"])
    assert.deepStrictEqual([...starts.all()], [])
  })

  it("a goodbye of either side is told as such, and the next one that is up", () => {
    const { happened, link, starts } = make()
    const [first, second, third] = [link("first", false), link("second", false), link("third", false)]
    starts.add(first)
    starts.ended(first, false)
    starts.add(second)
    starts.leave(second)
    starts.add(third)
    assert.deepStrictEqual(happened, ["up 1", "given up 1", "up 1", "left second", "given up 1", "up 1"])
  })

  it("of two, one that this side opened and is not to keep is left, regardless of which came first", () => {
    for (const [one, other] of [[true, false], [false, true]] as const) {
      const { happened, link, starts } = make()
      starts.add(link(`opened ${one}`, one))
      starts.add(link(`opened ${other}`, other))
      assert.deepStrictEqual(happened, ["up 1", "left opened true"])
    }
  })

  it("two starts of one server have nothing to do with each other", () => {
    const { happened, link, starts } = make()
    const [first, second] = [link("first", true, 1), link("second", true, 2)]
    starts.add(first)
    starts.add(second)
    starts.ended(first, true)
    assert.deepStrictEqual(happened, ["up 1", "up 2", "broke 1"])
    const peer: LinkPeer = { id, incarnation: 2, address: { ip: "127.0.0.1", port: 1 } }
    assert.strictEqual(starts.openedTo(peer), second)
    assert.isUndefined(starts.openedTo({ ...peer, address: { ip: "127.0.0.1", port: 2 } }))
    assert.isUndefined(starts.openedTo({ ...peer, incarnation: 1 }))
  })
})
