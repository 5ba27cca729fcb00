/**
 * docs/protocol.md names every kind of message with its fields, and every reason for which a datagram is dropped.
 */
import { assert, describe, it } from "@effect/vitest"
import { Message } from "../../src/protocol/model/Message.ts"
import type { DropReason as NotActedOn } from "../../src/protocol/model/Output.ts"
import type { DropReason as NotReadOrSent } from "../../src/transport/Messenger.ts"
import * as Page from "./Page.ts"

const rows = Page.rows(Page.read("docs/protocol.md"))

// The compiler sees to it that this record names them all.
const reasons: { readonly [Reason in NotActedOn | NotReadOrSent]: true } = {
  NotOurs: true,
  OtherGroup: true,
  UnknownVersion: true,
  UnknownFlags: true,
  TooLong: true,
  Sealed: true,
  NotJson: true,
  UnknownType: true,
  Invalid: true,
  NotSealed: true,
  UnknownKey: true,
  Forged: true,
  Repeated: true,
  Unauthenticated: true,
  SourceTooFast: true,
  TooManyAnswers: true,
  NotDirect: true,
  SendFailed: true,
  Own: true,
  Duplicate: true,
  Stale: true,
  Departed: true,
  MembersFull: true,
  ClientsFull: true,
  TombstonesFull: true,
  HandoversFull: true,
  SessionsFull: true,
  WitnessLimit: true,
  InboxFull: true,
  OutOfTurn: true,
  PartLost: true,
  BodyRefused: true,
  PathProbesFull: true,
  CommandRefused: true,
  RunsFull: true,
  NoMember: true,
  TalkRepeated: true,
  TalkFull: true,
  TalkTooFast: true,
  LateAnswer: true,
  GrantRepeated: true,
  GrantsFull: true,
  GrantConflict: true
}

const header = new Set(["type", "sender", "term", "leader", "heard", "moved", "hears"])

describe("the protocol's page", () => {
  it.each(Object.entries(Message.cases))("has the message %s with its fields", (type, schema) => {
    const row = rows.find(([name]) => name === `\`${type}\``)
    assert.isDefined(row)
    const [, , fields = ""] = row ?? []
    const own = Object.keys(schema.fields).filter((field) => !header.has(field) || type === "MEMBERS")
    for (const field of own.filter((field) => field !== "type")) assert.include(fields, `\`${field}\``)
  })

  it("has each reason for dropping a datagram once", () => {
    const named = rows.map(([name = ""]) => name.replaceAll("`", "")).filter((name) => Object.hasOwn(reasons, name))
    assert.sameMembers(named, Object.keys(reasons))
  })
})
