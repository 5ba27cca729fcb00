/** The heartbeats of a group that is well: all follow one leader, whose signs of life they number. */
import * as Redacted from "effect/Redacted"
import * as Ranked from "../src/protocol/membership/Ranked.ts"
import * as Member from "../src/protocol/model/Member.ts"
import type * as Message from "../src/protocol/model/Message.ts"
import * as Frame from "../src/protocol/wire/Frame.ts"
import * as KeyRing from "../src/protocol/wire/KeyRing.ts"
import * as Sealing from "../src/protocol/wire/Sealing.ts"
import type * as Datagrams from "../src/transport/Datagrams.ts"
import { cipher } from "../src/transport/node/NodeCipher.ts"

const secret = new Uint8Array(32).fill(1)

/** The key of the group, as its setting spells it. */
export const key = Redacted.make(Buffer.from(secret).toString("hex"))

/** A member, and where it says what it says. */
interface Speaker {
  readonly member: Member.Member
  readonly from: Member.Address
}

/** Of a network of their own. */
export const placeOf = (at: number): Member.Address => ({
  ip: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
  port: 4_000
})

const speaker = (at: number, from: Member.Address): Speaker => {
  const member: Member.Member = {
    id: Member.NodeId.make((at + 1).toString(16).padStart(16, "0")),
    ...from,
    hostname: `host-${at}`,
    name: `server-${at}`,
    priority: at === 0 ? 1_000 : 0,
    incarnation: 1_700_000_000_000 + at,
    tags: { zone: `rack-${at % 16}` }
  }
  return { from, member }
}

/** Says the heartbeats of all members, one round after the other, and answers the challenges that they get. */
export const make = ({ group, interval = 10_000, isSealed, members, places = placeOf, self }: {
  readonly members: number
  readonly interval?: number
  readonly places?: (at: number) => Member.Address
  readonly group: string
  /** Who is to hear them. */
  readonly self: Pick<Member.Member, "id" | "incarnation">
  readonly isSealed: boolean
}) => {
  const speakers = Array.from({ length: members }, (_, at) => speaker(at, places(at)))
  const leader = speakers[0]!.member
  const tag = Frame.groupTag(group)
  const ring = KeyRing.key(secret)
  const salts = speakers.map((_, at) => Sealing.salt(new Uint8Array(16).fill(7), at))
  const keys = isSealed ? salts.map((salt) => Sealing.sealingKey(ring, salt)) : []
  const view = Ranked.digest([self, ...speakers.map(({ member }) => member)])
  const term = Date.now()
  let said = 0
  let counter = 0

  const header = (at: number) => ({
    sender: speakers[at]!.member,
    term,
    leader: {
      id: leader.id,
      ip: leader.ip,
      port: leader.port,
      priority: leader.priority,
      incarnation: leader.incarnation
    },
    heard: term,
    ...(at === 0 ? { hears: self.id } : {})
  })
  const heartbeat = (at: number, alive: number): Message.Message => ({
    ...header(at),
    type: "SERVER_ALIVE",
    interval,
    ...(at === 0 ? { view, alive, sees: members + 1, pace: 500 } : { alive, hops: 1 })
  })
  const seal = (at: number, body: Uint8Array, flags: Frame.Flags): Uint8Array =>
    Sealing.seal(
      body,
      { counter: counter++, flags, keyId: ring.id, salt: salts[at]!, sealingKey: keys[at]!, tag },
      cipher
    )
  const frame = (at: number, round: number): Uint8Array => frameOf(at, heartbeat(at, round))
  /** The answer of a member to a direct question. */
  const response = (at: number, nonce: string): Uint8Array =>
    frameOf(at, { ...header(at), type: "SERVER_RESPONSE", nonce, interval })
  const frameOf = (at: number, message: Message.Message): Uint8Array => {
    const encoded = Frame.encode(message, tag)
    if (encoded._tag === "Failure") throw new Error("the heartbeat is too long")
    return isSealed ? seal(at, encoded.success.subarray(Frame.headerBytes), Frame.flags.sealed) : encoded.success
  }
  const received = (at: number, payload: Uint8Array): Datagrams.Received => ({
    payload,
    from: { ...speakers[at]!.from },
    via: "multicast"
  })
  /** So many more heartbeats, one member after the other. */
  const next = (size: number): ReadonlyArray<Datagrams.Received> =>
    Array.from({ length: size }, () => {
      const number = said++
      return received(number % members, frame(number % members, 1 + Math.floor(number / members)))
    })
  const atOf = new Map(speakers.map(({ from }, at) => [from.ip, at]))
  /** What a member says to what was sent to it, if that is a challenge. */
  const answer = ({ ip }: Member.Address, payload: Uint8Array): Datagrams.Received | undefined => {
    const at = atOf.get(ip)
    const clear = Sealing.clear(payload)
    if (at === undefined || clear === null || payload[3] !== Frame.flags.challenge) return undefined
    const challenge = Sealing.readChallenge(Sealing.open(payload, Sealing.sealingKey(ring, clear.salt), cipher)!)
    const proof = Sealing.writeProof({ nonce: challenge!.nonce, floor: 0 })
    return received(at, seal(at, proof, Frame.flags.proof))
  }
  return { next, answer, frame, response }
}
