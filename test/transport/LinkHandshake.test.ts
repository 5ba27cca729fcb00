import { assert, describe, it } from "@effect/vitest"
import { createHmac } from "node:crypto"
import * as Member from "../../src/protocol/model/Member.ts"
import * as LinkHandshake from "../../src/transport/LinkHandshake.ts"

const a: LinkHandshake.Party = {
  id: Member.NodeId.make("00000000000000aa"),
  incarnation: 1_700_000_000_000,
  port: 4_001
}
const b: LinkHandshake.Party = { id: Member.NodeId.make("00000000000000bb"), incarnation: 1_700_000_000_001, port: 0 }

const hmac = (key: string) => (bytes: Uint8Array) => new Uint8Array(createHmac("sha256", key).update(bytes).digest())
const keys = (...names: ReadonlyArray<string>): LinkHandshake.Ours["proofs"] => (bytes) =>
  names.map((name) => hmac(name)(bytes))

let nonces = 0
const ours = (self: LinkHandshake.Party, other: LinkHandshake.Party, more: Partial<LinkHandshake.Ours> = {}) => ({
  self,
  tag: Uint8Array.of(1, 2, 3, 4),
  nonce: new Uint8Array(LinkHandshake.nonceBytes).fill(++nonces),
  admits: ({ id, incarnation }: LinkHandshake.Party) => id === other.id && incarnation === other.incarnation,
  proofs: keys(),
  ...more
})

/** Carries bytes to and fro, in pieces of a size, until nobody says anything more; gives what each came to. */
const talk = (opener: LinkHandshake.Handshake, acceptor: LinkHandshake.Handshake, piece = 1_000) => {
  const ends = [opener, acceptor]
  const outcomes: Array<LinkHandshake.Progress | undefined> = [undefined, undefined]
  const queue: Array<{ readonly to: number; readonly bytes: Uint8Array }> = [{ to: 1, bytes: opener.first }]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { bytes, to } = next
    for (let at = 0; at < bytes.length; at += piece) {
      if (outcomes[to] !== undefined) break
      const progress = ends[to]!.receive(bytes.subarray(at, at + piece))
      if (progress._tag !== "Waiting") outcomes[to] = progress
      if (progress._tag !== "Stranger" && progress.send.length > 0) queue.push({ to: 1 - to, bytes: progress.send })
    }
  }
  return outcomes
}

const says = (outcomes: ReadonlyArray<LinkHandshake.Progress | undefined>) =>
  outcomes.map((outcome) => outcome?._tag ?? "nothing")

describe("the handshake of a crash link (protocol 4)", () => {
  for (const piece of [1, 7, 42, 1_000]) {
    it.each([
      ["without a key", keys(), keys()],
      ["with a key", keys("one"), keys("one")],
      ["while a new key comes into use", keys("new", "one"), keys("one", "new")]
    ])(
      `is up on both sides once each knows who the other is: in pieces of ${piece} bytes, %s`,
      (_, openers, acceptors) => {
        const [opened, accepted] = talk(
          LinkHandshake.opener(ours(a, b, { proofs: openers })),
          LinkHandshake.acceptor(ours(b, a, { proofs: acceptors })),
          piece
        )
        assert.deepInclude(opened, { _tag: "Up", peer: b, isOver: false })
        assert.deepInclude(accepted, { _tag: "Up", peer: a, isOver: false })
      }
    )
  }

  it("ends where the one who answers is another, or another start", () => {
    for (const other of [{ ...b, id: Member.NodeId.make("00000000000000cc") }, { ...b, incarnation: 7 }]) {
      assert.deepStrictEqual(
        says(talk(LinkHandshake.opener(ours(a, b)), LinkHandshake.acceptor(ours(other, a)))),
        ["Stranger", "nothing"]
      )
    }
  })

  it("ends where the one who asks is nobody that is admitted, is oneself, or is of another group", () => {
    const acceptor = () => LinkHandshake.acceptor(ours(b, a))
    assert.deepStrictEqual(says(talk(LinkHandshake.opener(ours({ ...a, incarnation: 3 }, b)), acceptor())), [
      "nothing",
      "Stranger"
    ])
    assert.deepStrictEqual(
      says(talk(LinkHandshake.opener(ours(b, b)), LinkHandshake.acceptor(ours(b, b)))),
      ["nothing", "Stranger"]
    )
    assert.deepStrictEqual(
      says(talk(LinkHandshake.opener(ours(a, b, { tag: Uint8Array.of(1, 2, 3, 5) })), acceptor())),
      ["nothing", "Stranger"]
    )
  })

  it("ends where either has no key of the group, or another, and nobody is taken for a member", () => {
    const keyed = { proofs: keys("right") }
    for (const wrong of [{ proofs: keys() }, { proofs: keys("wrong") }]) {
      const opened = talk(LinkHandshake.opener(ours(a, b, wrong)), LinkHandshake.acceptor(ours(b, a, keyed)))
      assert.notInclude(says(opened), "Up")
      const accepted = talk(LinkHandshake.opener(ours(a, b, keyed)), LinkHandshake.acceptor(ours(b, a, wrong)))
      assert.notInclude(says(accepted), "Up")
    }
  })

  it("takes no proof from another link, nor its own back", () => {
    const keyed = { proofs: keys("right") }
    const acceptor = LinkHandshake.acceptor(ours(b, a, keyed))
    const opener = LinkHandshake.opener(ours(a, b, keyed))
    const answer = acceptor.receive(opener.first)
    assert.strictEqual(answer._tag, "Waiting")
    const answered = answer._tag === "Waiting" ? answer.send : new Uint8Array(0)
    // Another opener gets what was made for this one.
    assert.strictEqual(LinkHandshake.opener(ours(a, b, keyed)).receive(answered)._tag, "Stranger")
    // The acceptor gets back its own proof.
    assert.strictEqual(acceptor.receive(answered.subarray(42))._tag, "Stranger")
  })

  it("ends at the first byte that is none of its own, and at a proof that is longer than any", () => {
    const acceptor = LinkHandshake.acceptor(ours(b, a))
    assert.strictEqual(acceptor.receive(new TextEncoder().encode("G"))._tag, "Stranger")
    const other = LinkHandshake.acceptor(ours(b, a))
    other.receive(LinkHandshake.opener(ours(a, b)).first)
    assert.strictEqual(other.receive(Uint8Array.of(255))._tag, "Stranger")
  })

  it("takes no incarnation that is none", () => {
    for (const incarnation of [-1, 0.5, Number.NaN, Infinity]) {
      const opener = LinkHandshake.opener(ours({ ...a, incarnation }, b))
      const acceptor = LinkHandshake.acceptor(ours(b, a, { admits: () => true }))
      assert.strictEqual(acceptor.receive(opener.first)._tag, "Stranger")
    }
  })

  it("is over at once where a goodbye comes with the welcome", () => {
    const opener = LinkHandshake.opener(ours(a, b))
    const acceptor = LinkHandshake.acceptor(ours(b, a))
    const sent = (progress: LinkHandshake.Progress) => progress._tag === "Stranger" ? new Uint8Array(0) : progress.send
    const proof = sent(opener.receive(sent(acceptor.receive(opener.first))))
    const welcome = sent(acceptor.receive(proof))
    assert.deepInclude(opener.receive(Uint8Array.of(...welcome, ...LinkHandshake.goodbye)), {
      _tag: "Up",
      isOver: true
    })
  })
})
