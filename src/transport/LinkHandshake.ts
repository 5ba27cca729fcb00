/**
 * How the two ends of a crash link say who they are (protocol 4): as bytes in and bytes out, without a socket.
 *
 * The opener says hello, the acceptor answers with its own and a proof, the opener proves itself, and the acceptor welcomes
 * it: from then on the link is up on both sides. A hello is `magic "BWL1" (4) | group tag (4) | node id (8) | incarnation,
 * as a double (8) | port of its own links, 0 for none (2) | nonce (16)`. A proof is its length in one byte, and so many bytes:
 * an HMAC over both hellos and the role of who makes it, so that it is of use in no other link and to no other role. Without a
 * key it is empty. What comes after the welcome says that the link ends, with any content.
 */
import { equalBytes } from "@noble/ciphers/utils.js"
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js"
import { NodeId } from "../protocol/model/Member.ts"

/** The bytes of a nonce. */
export const nonceBytes = 16

/** One end, as it says itself. `port` is where it accepts links; 0 where it does not. */
export interface Party {
  readonly id: NodeId
  readonly incarnation: number
  readonly port: number
}

/** What the bytes that came call for: `send`, where it is not empty, first. `isOver`: and then the link ends again. */
export type Progress =
  | { readonly _tag: "Waiting"; readonly send: Uint8Array }
  | { readonly _tag: "Up"; readonly send: Uint8Array; readonly peer: Party; readonly isOver: boolean }
  | { readonly _tag: "Stranger" }

/** One end's part, for one connection. */
export interface Handshake {
  /** What is sent at once. */
  readonly first: Uint8Array
  /** Whether the other end may take it to be up already. */
  readonly mayBeUp: () => boolean
  /** Takes what came. Not to be called again after anything but `Waiting`. */
  readonly receive: (bytes: Uint8Array) => Progress
}

/** What an end says and asks for. `admits`: whether the other is who is wanted. */
export interface Ours {
  readonly self: Party
  readonly tag: Uint8Array
  readonly nonce: Uint8Array
  readonly admits: (peer: Party) => boolean
  readonly proofs: (bytes: Uint8Array) => ReadonlyArray<Uint8Array>
}

/** The one byte by which a link that is up is given up. */
export const goodbye = Uint8Array.of(0)

/** For the end that connected. */
export const opener = (ours: Ours): Handshake => {
  const hello = helloOf(ours)
  let peer: Party | undefined
  return {
    first: hello,
    mayBeUp: () => peer !== undefined,
    receive: reader((received) => {
      if (peer !== undefined) return upBy(received.length, 1, nothing, peer)
      const answer = received.subarray(0, helloBytes)
      const proof = proofAt(received, helloBytes)
      const claimed = partyOf(answer, ours)
      if (claimed === null || proof === null) return stranger
      if (claimed === undefined || proof === undefined) return waiting
      if (!isProven(ours, proof, transcript(acceptorRole, hello, answer))) return stranger
      peer = claimed
      const send = proofOf(ours, transcript(openerRole, hello, answer))
      return { next: { _tag: "Waiting", send }, used: helloBytes + 1 + proof.length }
    })
  }
}

/** For the end that was connected to. */
export const acceptor = (ours: Ours): Handshake => {
  const hello = helloOf(ours)
  let theirs: Uint8Array | undefined
  let peer: Party | undefined
  return {
    first: nothing,
    mayBeUp: () => false,
    receive: reader((received) => {
      if (peer !== undefined && theirs !== undefined) {
        const proof = proofAt(received, 0)
        if (proof === undefined) return waiting
        if (proof === null || !isProven(ours, proof, transcript(openerRole, theirs, hello))) return stranger
        return upBy(received.length, 1 + proof.length, welcome, peer)
      }
      const claimed = partyOf(received.subarray(0, helloBytes), ours)
      if (claimed === undefined) return waiting
      if (claimed === null) return stranger
      peer = claimed
      theirs = received.slice(0, helloBytes)
      const proof = proofOf(ours, transcript(acceptorRole, theirs, hello))
      return { next: { _tag: "Waiting", send: concatBytes(hello, proof) }, used: helloBytes }
    })
  }
}

// internal

const nothing = new Uint8Array(0)
const welcome = Uint8Array.of(1)
const magic = new TextEncoder().encode("BWL1")
const acceptorRole = new TextEncoder().encode("bellwether/1 link acceptor")
const openerRole = new TextEncoder().encode("bellwether/1 link opener")
const tagBytes = 4
const idAt = magic.length + tagBytes
const incarnationAt = idAt + 8
const portAt = incarnationAt + 8
const nonceAt = portAt + 2
const helloBytes = nonceAt + nonceBytes
const mostProofBytes = 64

/** One reading of what has come and was not used yet: how it goes on, and how many bytes that took. */
interface Reading {
  readonly next: Progress
  readonly used: number
}

const waiting: Reading = { next: { _tag: "Waiting", send: nothing }, used: 0 }
const stranger: Reading = { next: { _tag: "Stranger" }, used: 0 }

const upBy = (length: number, used: number, send: Uint8Array, peer: Party): Reading =>
  length < used ? waiting : { next: { _tag: "Up", send, peer, isOver: length > used }, used }

/** Collects what comes in any pieces. It is bounded, since each reading either uses it, waits for a bounded rest, or ends. */
const reader = (read: (received: Uint8Array) => Reading): Handshake["receive"] => {
  let rest = nothing
  return (bytes) => {
    rest = concatBytes(rest, bytes)
    let send = nothing
    while (true) {
      const { next, used } = read(rest)
      rest = rest.slice(used)
      if (next._tag === "Stranger") return next
      send = concatBytes(send, next.send)
      if (next._tag === "Up") return { ...next, send }
      if (used === 0 || rest.length === 0) return { _tag: "Waiting", send }
    }
  }
}

const helloOf = ({ nonce, self, tag }: Ours): Uint8Array => {
  const hello = new Uint8Array(helloBytes)
  hello.set(magic)
  hello.set(tag.subarray(0, tagBytes), magic.length)
  hello.set(hexToBytes(self.id), idAt)
  const view = new DataView(hello.buffer)
  view.setFloat64(incarnationAt, self.incarnation)
  view.setUint16(portAt, self.port)
  hello.set(nonce, nonceAt)
  return hello
}

/** Who a hello says its sender is: undefined where more is to come, null where it is none, or of one who is not wanted. */
const partyOf = (hello: Uint8Array, { admits, self, tag }: Ours): Party | null | undefined => {
  const expected = concatBytes(magic, tag.subarray(0, tagBytes))
  for (let at = 0; at < Math.min(hello.length, expected.length); at++) if (hello[at] !== expected[at]) return null
  if (hello.length < helloBytes) return undefined
  const view = new DataView(hello.buffer, hello.byteOffset)
  const incarnation = view.getFloat64(incarnationAt)
  const party: Party = {
    id: NodeId.make(bytesToHex(hello.subarray(idAt, incarnationAt))),
    incarnation,
    port: view.getUint16(portAt)
  }
  // A system may connect a socket to itself, where it is given the very port that it asks for.
  return Number.isSafeInteger(incarnation) && incarnation >= 0 && party.id !== self.id && admits(party) ? party : null
}

const proofAt = (received: Uint8Array, at: number): Uint8Array | null | undefined => {
  const length = received[at]
  if (length === undefined) return undefined
  if (length > mostProofBytes) return null
  return received.length < at + 1 + length ? undefined : received.subarray(at + 1, at + 1 + length)
}

const transcript = (role: Uint8Array, openers: Uint8Array, acceptors: Uint8Array): Uint8Array =>
  concatBytes(role, openers, acceptors)

const proofOf = ({ proofs }: Ours, bytes: Uint8Array): Uint8Array => {
  const [proof = nothing] = proofs(bytes)
  return concatBytes(Uint8Array.of(proof.length), proof)
}

const isProven = ({ proofs }: Ours, proof: Uint8Array, bytes: Uint8Array): boolean => {
  const expected = proofs(bytes)
  return expected.length === 0 || expected.some((one) => equalBytes(one, proof))
}
