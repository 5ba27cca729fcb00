/**
 * The test vectors of docs/protocol.md, read from the page: what another implementation is written against.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Ranked from "../../src/protocol/membership/Ranked.ts"
import * as Election from "../../src/protocol/model/Election.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as PortableCipher from "../../src/protocol/wire/PortableCipher.ts"
import * as Sealing from "../../src/protocol/wire/Sealing.ts"
import * as Page from "./Page.ts"

const page = Page.read("docs/protocol.md")
const bytesOf = (hex: string) => Uint8Array.from(hex.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16))

const vectors = Page.blocks(page).filter(({ language }) => language === "vector").map(({ text }) => {
  const lines = new Map(text.split("\n").map((line) => [line.split(" ", 1)[0], line.replace(/^\S+\s+/, "")]))
  const [group, refused, header = "", body = ""] = ["group", "refused", "header", "body"].map((key) => lines.get(key))
  const frame = Uint8Array.from([...bytesOf(header), ...new TextEncoder().encode(body)])
  return { group, refused, body, frame }
})

describe("the vectors of the protocol's page", () => {
  for (const { body, frame, group, refused } of vectors) {
    if (group === undefined) continue
    const message = JSON.parse(body) as Message.Message
    it(`are written and read: ${message.type}`, () => {
      assert.isUndefined(refused)
      const tag = Frame.groupTag(group)
      assert.deepStrictEqual(Frame.encode(message, tag), Result.succeed(frame))
      assert.deepStrictEqual(Frame.decode(frame, tag), Result.succeed(message))
    })
  }

  for (const { frame, group, refused } of vectors) {
    if (group !== undefined) continue
    it(`are refused: ${refused}`, () => {
      const decoded = Frame.decode(frame, Frame.groupTag("default"))
      assert.deepStrictEqual(decoded, Result.fail(refused as Frame.Refused))
    })
  }

  it("are there for each kind of message", () => {
    const kinds = vectors.flatMap(({ body, group }) =>
      group === undefined ? [] : [(JSON.parse(body) as Message.Message).type]
    )
    assert.sameMembers([...new Set(kinds)], Object.keys(Message.Message.cases))
  })

  it("have one whole frame in hex", () => {
    const hex = Page.blocks(page).find(({ language }) => language === "hex")
    const [shortest] = vectors
    assert.deepStrictEqual(bytesOf(hex?.text ?? ""), shortest?.frame)
    assert.isTrue(Result.isSuccess(Frame.decode(bytesOf(hex?.text ?? ""), Frame.groupTag("default"))))
  })

  const sealed = Page.blocks(page).filter(({ language }) => language === "sealed").map(({ text }) => {
    const words = text.split("\n").map((line) => [line.split(" ", 1)[0] ?? "", line.replace(/^\S+\s+/, "")] as const)
    const frame = words.filter(([word]) => word === "frame").map(([, hex]) => hex).join(" ")
    return Object.assign(Object.fromEntries(words), { frame: bytesOf(frame) }) as unknown as {
      readonly says: "message" | "challenge" | "proof" | "introduction"
      readonly counter: string
      readonly body?: string
      readonly nonce: string
      readonly salt: string
      readonly floor: string
      readonly frame: Uint8Array
    }
  })
  const [secret = "", keyId = "", salt = "", derived = ""] = [
    /Key `([0-9a-f]{64})`, so key id `([0-9a-f]{8})`; salt\s+`([0-9a-f]{32})`, so sealing key `([0-9a-f]{64})`/.exec(
      page
    )
  ].flatMap((found) => found?.slice(1) ?? [])
  const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"))

  it("have the key id and the sealing key of the text", () => {
    const key = KeyRing.key(bytes(secret))
    assert.strictEqual(key.id, keyId)
    assert.deepStrictEqual(Sealing.sealingKey(key, salt), bytes(derived))
    assert.deepStrictEqual(sealed.map(({ says }) => says), ["message", "challenge", "proof", "introduction"])
  })

  for (const { body, counter, floor, frame, nonce, salt: asked, says } of sealed) {
    it(`are sealed and opened: ${says}`, () => {
      const tag = Frame.groupTag("orders")
      const inside = {
        message: () => new TextEncoder().encode(body),
        challenge: () => Sealing.writeChallenge({ nonce, salt: asked }),
        proof: () => Sealing.writeProof({ nonce, floor: Number(floor) }),
        introduction: () => bytes(asked)
      }[says]()
      const flags = Frame.flags[says === "message" ? "sealed" : says]
      const sealingKey = bytes(derived)
      assert.deepStrictEqual(
        Sealing.seal(inside, { counter: Number(counter), flags, keyId, salt, sealingKey, tag }, PortableCipher.cipher),
        frame
      )
      assert.deepStrictEqual(Frame.readHeader(frame, tag), Result.succeed(flags))
      assert.deepStrictEqual(Sealing.clear(frame), { counter: Number(counter), keyId, salt })
      assert.deepStrictEqual(Sealing.open(frame, sealingKey, PortableCipher.cipher), inside)
    })
  }

  it("have the ids and the fencing token of the text", () => {
    const alpha = Member.nodeId("192.0.2.10", "alpha", 40_001)
    const beta = Member.nodeId("192.0.2.11", "beta", 40_002)
    const reign = Reign.make(1_785_000_000_000, {
      id: alpha,
      priority: 10,
      incarnation: 1,
      ip: "192.0.2.10",
      port: 40_001
    })
    const named = [Member.rendezvousHash(alpha, "billing"), Election.tag("billing")]
    const view = Ranked.digest([{ id: alpha, incarnation: 1_785_000_000_000 }, {
      id: beta,
      incarnation: 1_785_000_009_000
    }])
    for (const text of [alpha, beta, Reign.token(reign), ...named, String(view)]) assert.include(page, `\`${text}\``)
  })
})
