/**
 * One server's floors 1 and 2 under fire: datagrams go through its `Messenger`, what is read goes into `Step`, what that
 * leaves to be said goes out through the `Messenger` again. Time, chance and the network are the fuzzer's; a seed decides
 * all of a run. It throws where something does that must not.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { isDeepStrictEqual } from "node:util"
import * as Kept from "../../src/protocol/delivery/Kept.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import * as Message from "../../src/protocol/model/Message.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type { State } from "../../src/protocol/model/State.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as KeyRing from "../../src/protocol/wire/KeyRing.ts"
import * as PortableCipher from "../../src/protocol/wire/PortableCipher.ts"
import * as Sealing from "../../src/protocol/wire/Sealing.ts"
import * as Session from "../../src/protocol/wire/Session.ts"
import * as Profile from "../../src/settings/Profile.ts"
import type * as Datagrams from "../../src/transport/Datagrams.ts"
import * as Messenger from "../../src/transport/Messenger.ts"
import * as Sessions from "../../src/transport/Sessions.ts"
import * as SourceRateLimit from "../../src/transport/SourceRateLimit.ts"
import * as Peer from "../protocol/harness/Peer.ts"
import { Server } from "../protocol/harness/Server.ts"
import { Chance } from "./Chance.ts"
import * as Hostile from "./Hostile.ts"
import { Listener } from "./Listener.ts"

/** What a run has seen. */
export interface Report {
  readonly seed: number
  readonly episodes: number
  readonly inputs: number
  /** Inputs whose frame was right, sealed ones opened: their body was looked at. */
  readonly framed: number
  /** Inputs that were messages by their schema. */
  readonly messages: number
  /** Messages that reached `Step`, those among them that had been held back until their session proved itself. */
  readonly delivered: number
  /** By kind; by reason, of either floor; by event; by what was said in return. */
  readonly kinds: Readonly<Record<string, number>>
  readonly drops: Readonly<Record<string, number>>
  readonly events: Readonly<Record<string, number>>
  readonly clientEvents: Readonly<Record<string, number>>
  readonly said: Readonly<Record<string, number>>
  /** The greatest sizes that tables had. */
  readonly peaks: Readonly<Record<string, number>>
}

/** What must not be, and how to get there again. */
export class Found extends Error {
  constructor(what: string, seed: number, episode: number, input: Uint8Array | undefined, cause?: unknown) {
    const bytes = input === undefined ? "" : `\nlast input: ${Buffer.from(input).toString("hex")}`
    super(`${what} (--seed ${seed}, episode ${episode})${bytes}`, { cause })
  }
}

const group = Frame.groupTag("default")
const sealed: ReadonlySet<string> = new Set(["NotJson", "UnknownType", "Invalid"])
const secret = KeyRing.key(new Uint8Array(32).fill(1))
const stranger = KeyRing.key(new Uint8Array(32).fill(2))
const encoder = new TextEncoder()

/** The sizes of all tables in a value, by their path. */
const sizes = (value: unknown, path: string, found: Map<string, number>, depth = 0): void => {
  const note = (size: number) => void found.set(path, Math.max(size, found.get(path) ?? 0))
  if (typeof value !== "object" || value === null || depth > 3) return
  if (HashMap.isHashMap(value)) note(HashMap.size(value))
  else if (Array.isArray(value)) note(value.length)
  else if (value instanceof Map || value instanceof Set) note(value.size)
  else for (const [key, inner] of Object.entries(value)) sizes(inner, `${path}.${key}`, found, depth + 1)
}

/** No table may grow beyond this. Timers: some for each member, and for each that has departed. */
const bounds = (path: string, { timing: { maxClients, maxTombstones, maxMembers } }: State): number => {
  switch (path) {
    case "state.members":
    case "state.known":
    case "state.checks":
      return maxMembers
    case "state.departed":
      return maxTombstones
    case "state.delivery.clients":
      return maxClients
    case "state.delivery.receiver.sources":
      return 2 * maxClients
    case "state.timers":
      return 4 * (maxMembers + maxTombstones) + 64
    default:
      return Math.max(maxMembers, Kept.limit)
  }
}

class Episode {
  readonly chance: Chance
  readonly server: Server
  readonly #messenger: Messenger.Messenger
  readonly #inbox: Array<Datagrams.Received> = []
  readonly #peers: Array<Sessions.Sessions> = []
  readonly #replies: Array<{ readonly to: Member.Address; readonly frame: Uint8Array }> = []
  readonly #recorded: Array<Uint8Array> = []
  readonly #cast: Hostile.Cast
  readonly #listener: Listener
  readonly #isKeyed: boolean
  readonly #tally: Tally
  #ring: KeyRing.KeyRing
  #dropped: Array<string> = []
  #from: Member.Address = { ip: "192.0.2.1", port: 1 }
  #reign: Reign.Reign | null = null

  constructor(seed: number, isKeyed: boolean, tally: Tally) {
    this.chance = new Chance(seed)
    this.#tally = tally
    const { chance } = this
    this.#isKeyed = isKeyed
    this.#ring = this.#isKeyed
      ? { keys: [secret], active: secret, mode: chance.happens(0.8) ? "enforce" : "permissive" }
      : KeyRing.none
    const isSmall = chance.happens(0.25)
    this.server = Server.live({
      profile: chance.of(Profile.names),
      timing: {
        preempt: chance.happens(0.7),
        minimumMembers: chance.of([1, 1, 3]),
        multicast: chance.happens(0.85),
        stableAfter: chance.of([0, 0, 2_000]),
        lease: chance.happens(0.3) ? { groupSize: 3, duration: chance.of([1_500, 30_000]), drift: 0.01 } : null,
        ...(isSmall ? { maxMembers: 5, maxClients: 4, maxTombstones: 3 } : {})
      },
      seeds: chance.happens(0.25) ? [1, 2, 200].map((at) => ({ ip: `192.0.2.${at}`, port: 4_000 })) : [],
      self: Peer.member("m", { priority: chance.of([0, 0, 9]) }),
      work: chance.of([0, 300, "by hand"]),
      monotonic: 1_000
    })
    this.#listener = new Listener(chance)
    this.#cast = {
      size: chance.happens(0.02) ? 6_000 : 8,
      state: () => this.server.state,
      client: () => this.#listener.state
    }
    const random = (bytes: number) => chance.bytes(bytes)
    const capture = (to: Member.Address, frame: Uint8Array) =>
      Effect.sync(() => void (this.#isKeyed && frame[3] !== 1 && this.#replies.push({ to, frame: frame.slice() })))
    const endpoint: Datagrams.Endpoint = {
      hostname: "m",
      local: [{ ...this.server.state.self, interface: "lo" }],
      receive: Effect.sync(() => this.#inbox.splice(0)),
      multicast: () => Effect.void,
      unicast: capture,
      ask: (to, frame) => Effect.as(capture(to, frame), "sent" as const),
      random,
      cipher: PortableCipher.cipher,
      hasAddress: () => true,
      portTowards: () => 4_000,
      isExposed: () => false,
      isDirect: (ip) => ip.startsWith("192.0.2."),
      resolve: (host) => Effect.succeed([host]),
      troubles: Effect.never,
      dropped: Effect.succeed(0)
    }
    const nanos = () => BigInt(Math.round(this.server.now * 1e6))
    this.#messenger = Effect.runSync(
      Messenger.make(endpoint, group, (reason) => void this.#dropped.push(reason), undefined, this.#keys).pipe(
        Effect.provideService(Clock.Clock, {
          currentTimeMillisUnsafe: () => this.server.now,
          currentTimeMillis: Effect.sync(() => this.server.now),
          currentTimeNanosUnsafe: nanos,
          currentTimeNanos: Effect.sync(nanos),
          monotonicTimeNanosUnsafe: nanos,
          monotonicTimeNanos: Effect.sync(nanos),
          sleep: () => Effect.never
        })
      )
    )
    for (let n = 0; n < 4; n++) this.#peers.push(Sessions.make(this.#keys, group, random, PortableCipher.cipher))
  }

  get #keys(): Sessions.Keys {
    return {
      ring: () => this.#ring,
      freshness: () => Session.freshness(this.server.state.timing.memberTimeout),
      maxSessions: 32
    }
  }

  /** A frame as one of the attackers sends it who knows the key. */
  #sealedFrame(body: Uint8Array): Uint8Array {
    const frame = new Uint8Array(Frame.headerBytes + body.length)
    frame.set(Frame.header(group, Frame.flags.plain))
    frame.set(body, Frame.headerBytes)
    return this.#isKeyed && !(this.#ring.mode === "permissive" && this.chance.happens(0.3))
      ? this.#peerAt(this.#from).seal(frame, this.server.now)
      : frame
  }

  #peerAt({ port }: Member.Address): Sessions.Sessions {
    return this.#peers[port % this.#peers.length]!
  }

  #frame(): Uint8Array {
    const { chance } = this
    const drawn = chance.next()
    const good = () => this.#sealedFrame(encoder.encode(JSON.stringify(Hostile.message(chance, this.#cast))))
    if (drawn < 0.55) return good()
    if (drawn < 0.7) return this.#sealedFrame(encoder.encode(Hostile.spoiled(chance, this.#cast)))
    if (drawn < 0.76) {
      const body = encoder.encode(JSON.stringify(Hostile.message(chance, this.#cast)))
      return this.#sealedFrame(Hostile.damaged(body, chance))
    }
    if (drawn < 0.86) return Hostile.damaged(good(), chance)
    if (drawn < 0.9) {
      const header = Frame.header(chance.happens(0.8) ? group : chance.bytes(4), chance.below(8))
      return new Uint8Array([...header, ...chance.bytes(chance.below(200))])
    }
    if (drawn < 0.93 && this.#recorded.length > 0) return chance.of(this.#recorded)
    if (drawn < 0.95) {
      // Sealed by hand: any counter, any of the sealed things, the right key or another.
      const key = chance.happens(0.7) ? secret : stranger
      const salt = chance.of(["00".repeat(16), chance.hex(32)])
      return Sealing.seal(chance.bytes(chance.of([0, 16, 24, 100])), {
        flags: chance.of([1, 3, 5]),
        counter: chance.of([0, chance.below(5_000), 2 ** 40, 2 ** 53 - 1]),
        keyId: chance.happens(0.9) ? key.id : secret.id,
        salt,
        sealingKey: Sealing.sealingKey(key, salt),
        tag: group
      }, PortableCipher.cipher)
    }
    if (drawn < 0.955) {
      // A new start of somebody's: its session is not known.
      this.#peers[chance.below(this.#peers.length)] = Sessions.make(
        this.#keys,
        group,
        (bytes) => chance.bytes(bytes),
        PortableCipher.cipher
      )
    }
    return chance.happens(0.5) ? good() : chance.bytes(chance.below(1_400))
  }

  /** Gives the server one datagram, and the answers of the attackers to what it challenges them with. */
  hear(): Uint8Array {
    const { chance } = this
    this.#from = Hostile.from(chance, this.#cast)
    const payload = this.#frame()
    if (this.#recorded.length < 64) this.#recorded.push(payload)
    else if (chance.happens(0.05)) this.#recorded[chance.below(64)] = payload
    this.#take(payload, this.#from, true)
    for (let turns = 0; this.#replies.length > 0 && turns < 4; turns++) {
      for (const { frame, to } of this.#replies.splice(0)) {
        if (chance.happens(0.1)) continue
        const flags = Result.getOrUndefined(Frame.readHeader(frame, group))
        if (flags === undefined || flags === Frame.flags.plain) continue
        const datagram = { payload: frame, from: this.server.state.self, via: "unicast" } as const
        const opened = this.#peerAt(to).open(datagram, flags, this.server.now)
        if (Result.isFailure(opened)) continue
        for (const reply of opened.success.replies) this.#take(reply.frame, to, false)
      }
    }
    this.#replies.length = 0
    return payload
  }

  #take(payload: Uint8Array, from: Member.Address, isInput: boolean): void {
    const { chance } = this
    const via = chance.happens(0.6) ? "multicast" as const : "unicast" as const
    const before = this.server.state
    this.#inbox.push({ payload, from, via })
    this.#dropped = []
    const received = Effect.runSync(this.#messenger.receive)
    const isFramed = received.length > 0 || this.#dropped.some((reason) => sealed.has(reason))
    for (const reason of this.#dropped) count(this.#tally.drops, reason)
    if (isInput) {
      this.#tally.inputs++
      if (isFramed) this.#tally.framed++
      if (received.length > 0) this.#tally.messages++
    }
    if (received.length === 0 && this.server.state !== before) throw new Error("what is no message changed the state")
    for (const { from, message, via } of received) {
      this.#tally.delivered++
      count(this.#tally.kinds, message.type)
      if (chance.happens(0.02) && Result.isFailure(Message.decode(JSON.parse(JSON.stringify(message))))) {
        throw new Error("what was read is no message")
      }
      this.#step({ _tag: "Received", message, from, via })
      this.#listener.hear(message, from, this.server.now)
    }
  }

  /** What happens at the server itself. */
  act(): void {
    const { chance, server } = this
    this.#listener.act(server.now)
    const election = chance.of(["", "other", chance.hex(2)])
    const isCrowd = HashMap.size(server.state.known) > 100
    switch (chance.below(isCrowd ? 60 : 20)) {
      case 0:
        return this.#step({ _tag: "Heartbeat" })
      case 1:
        return this.#step({ _tag: "Sweep" })
      case 2:
        return this.#step({ _tag: "Discover" })
      case 3: {
        const [id] = HashMap.keys(server.state.known)
        return id === undefined ? undefined : this.#step({ _tag: "Refused", id })
      }
      case 4:
        return this.#step(
          chance.of([{ _tag: "Campaign", election: election || "a" }, { _tag: "Withdraw", election: election || "a" }])
        )
      case 5:
        return this.#step({ _tag: "Resign", election })
      case 6:
        return this.#step({
          _tag: chance.of(["WorkEnded", "WorkFinished", "WorkGivenUp", "WorkOffered"] as const),
          election
        })
      case 7: {
        const [id] = HashMap.keys(server.state.known)
        return id === undefined ? undefined : this.#step({ _tag: "Transfer", election, to: id })
      }
      case 8:
        return this.#step({ _tag: "Moved", addresses: [{ ip: chance.of(["192.0.2.13", "192.0.2.14"]), port: 4_013 }] })
      case 9:
        return this.#step({ _tag: "StepDown", election, millis: chance.of([1, 500]) })
      case 10:
        // Who leads by a lease and has no majority asks for one again and again.
        return isCrowd
          ? undefined
          : void server.advance(chance.of([100, 1_000, server.state.timing.lease === null ? 31_000 : 2_000]))
      case 11:
        return isCrowd ? undefined : void server.freeze(chance.of([300, 6_000]))
      case 12:
        return chance.happens(0.01) ? this.#step({ _tag: "Leave" }) : undefined
      case 13: {
        const seeds = [1, 3, 9].map((at) => ({ ip: `192.0.2.${at}`, port: 1_023 + at }))
        return this.#step({ _tag: "Seeds", addresses: seeds.slice(chance.below(3)) })
      }
      case 14:
        return this.#step({ _tag: "Room", limit: server.state.delivery.receiver.delivered + chance.below(4) })
      case 15: {
        const now = { monotonic: server.now, wall: server.now + server.wall }
        const leads = Step.leads(server.state, now, election)
        if (leads !== null && leads.leader.id !== server.state.self.id) throw new Error("it leads by another's reign")
        if (!Step.view(server.state).members.includes(server.state.self)) throw new Error("it does not see itself")
        return
      }
      default:
        return void server.advance(chance.of([1, 1, 2, 5, 20]))
    }
  }

  #step(input: Step.Input): void {
    const { server } = this
    const now = { monotonic: server.now, wall: server.now + server.wall, entropy: 7 }
    if (this.chance.happens(0.001)) {
      const [first, second] = [Step.step(server.state, input, now), Step.step(server.state, input, now)]
      if (!isDeepStrictEqual(first[1], second[1])) throw new Error("one input led to two outcomes")
    }
    server.step(input)
  }

  /** What must hold after each input, and what the server says goes out. */
  look(): void {
    const { server } = this
    const { election, known, members } = server.state
    if (HashMap.size(known) !== members.length) throw new Error("members and what is known of them differ")
    if (election.heard > Reign.maxTerm) throw new Error(`a term of ${election.heard} was believed`)
    const { reign } = election
    if (reign !== null) {
      if (this.#reign !== null && Reign.compare(reign, this.#reign) < 0) {
        throw new Error(`the reign went back from ${JSON.stringify(this.#reign)} to ${JSON.stringify(reign)}`)
      }
      this.#reign = reign
    }
    for (const { event } of server.events) count(this.#tally.events, event)
    for (const reason of server.dropped) count(this.#tally.drops, reason)
    for (const [index, { message, to }] of server.sent.entries()) {
      count(this.#tally.said, message.type)
      // It must be possible to say it. Some of it is enough, and of the questions to a crowd too.
      if (index > 20 || !this.chance.happens(this.#isKeyed ? 0.05 : 0.2)) continue
      const sent = Effect.runSyncExit(this.#messenger.send(to, message))
      if (Exit.isFailure(sent)) throw new Error(`it could not say ${message.type}`, { cause: sent.cause })
    }
    server.forget()
  }

  measure(): void {
    const found = new Map<string, number>()
    const { state }: { readonly state: State } = this.server
    sizes(state, "state", found)
    for (const [event, times] of this.#listener.told) {
      this.#tally.clientEvents[event] = (this.#tally.clientEvents[event] ?? 0) + times
    }
    this.#listener.told.clear()
    for (const [path, size] of found) {
      this.#tally.peaks[path] = Math.max(size, this.#tally.peaks[path] ?? 0)
      if (size > bounds(path, state)) throw new Error(`${path} has ${size} entries`)
    }
    const left = [...HashMap.values(state.delivery.clients)].filter(({ hasLeft }) => hasLeft).length
    if (left !== state.delivery.left) throw new Error(`${left} clients have left, not ${state.delivery.left}`)
    const [last] = state.members.slice(-1)
    const sorted = state.members.every((member, at) => at === 0 || Member.outranks(state.members[at - 1]!, member))
    if (last !== undefined && !sorted) throw new Error("the members are not in their order")
    if (Option.isSome(HashMap.get(state.known, state.self.id))) throw new Error("it became a member of its own view")
  }
}

interface Tally {
  inputs: number
  framed: number
  messages: number
  delivered: number
  readonly kinds: Record<string, number>
  readonly drops: Record<string, number>
  readonly events: Record<string, number>
  readonly clientEvents: Record<string, number>
  readonly said: Record<string, number>
  readonly peaks: Record<string, number>
}

const count = (counts: Record<string, number>, name: string): void => void (counts[name] = (counts[name] ?? 0) + 1)

/** Inputs of one server's life; a crowd needs more of them. */
const lifetime = 2_000

/** One life in so many is one of a group with a key: sealing costs ten times what all else does. */
const keyedLife = 8

/** The tables of floor 2, filled by all that an insider and a flood can: they stay within what they say they keep. */
const flood = (seed: number): void => {
  const chance = new Chance(seed)
  const random = (bytes: number) => chance.bytes(bytes)
  const ring: KeyRing.KeyRing = { keys: [secret], active: secret, mode: "enforce" }
  const keys: Sessions.Keys = { ring: () => ring, freshness: () => Session.freshness(1_000), maxSessions: 32 }
  const seals = Sessions.make(keys, group, random, PortableCipher.cipher)
  const sources = SourceRateLimit.make()
  for (let n = 0; n < 1_000; n++) {
    const frame = Sessions.make(keys, group, random, PortableCipher.cipher).seal(
      Frame.header(group, Frame.flags.plain),
      n
    )
    seals.open({ payload: frame, from: { ip: "192.0.2.1", port: 1 + n }, via: "unicast" }, Frame.flags.sealed, n)
    const from = { ip: `192.0.2.${n}`, port: n }
    sources.allows(SourceRateLimit.nameOf(from), from, n)
    sources.admit(SourceRateLimit.nameOf(from), n)
  }
  const { unauthenticated } = seals.size()
  if (unauthenticated > Sessions.unauthenticatedOf(keys.maxSessions)) {
    throw new Error(`${unauthenticated} unauthenticated sessions are kept`)
  }
}

/** Runs until so many inputs were given, or `goesOn` says no. Throws {@link Found}. */
export const run = (
  { goesOn = () => true, inputs, onEpisode, seed }: {
    readonly seed: number
    readonly inputs: number
    readonly goesOn?: () => boolean
    readonly onEpisode?: (report: Report) => void
  }
): Report => {
  const tally: Tally = {
    inputs: 0,
    framed: 0,
    messages: 0,
    delivered: 0,
    kinds: {},
    drops: {},
    events: {},
    clientEvents: {},
    said: {},
    peaks: {}
  }
  let episodes = 0
  const report = (): Report => ({ seed, episodes, ...tally })
  flood(seed)
  while (tally.inputs < inputs && goesOn()) {
    let last: Uint8Array | undefined
    try {
      const episode = new Episode(seed + episodes * 0x9e3779b1, episodes % keyedLife === 1, tally)
      const until = Math.min(inputs, tally.inputs + lifetime)
      while (tally.inputs < until && episode.server.state.phase !== "Left") {
        last = episode.hear()
        episode.look()
        episode.act()
        episode.look()
        if (tally.inputs % 500 === 0) episode.measure()
      }
      episode.measure()
    } catch (cause) {
      throw new Found(cause instanceof Error ? cause.message : String(cause), seed, episodes, last, cause)
    }
    episodes++
    onEpisode?.(report())
  }
  return report()
}
