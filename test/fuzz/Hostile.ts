/**
 * What an attacker says who has read the protocol's page: its own vectors, one of each kind of message, with what they say
 * replaced by what hurts most. New kinds and fields are taken in as the page gets their vectors.
 */
import * as HashMap from "effect/HashMap"
import type * as ClientContext from "../../src/protocol/model/ClientContext.ts"
import type { Address } from "../../src/protocol/model/Member.ts"
import type { State } from "../../src/protocol/model/State.ts"
import * as Page from "../docs/Page.ts"
import type { Chance } from "./Chance.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** One message of each kind. */
export const corpus: ReadonlyArray<{ readonly [key: string]: Json }> = Page.blocks(Page.read("docs/protocol.md"))
  .filter(
    ({ language, text }) => language === "vector" && text.startsWith("group")
  ).map(({ text }) => JSON.parse(text.slice(text.indexOf("body") + 4)))

/** Whom the attacker plays: few, so that what they say meets; or a crowd, so that tables fill. */
export interface Cast {
  readonly size: number
  readonly state: () => State
  /** A client that hears it too. */
  readonly client: () => ClientContext.State
}

const idOf = (number: number): string => (number + 1).toString(16).padStart(16, "0")

const addressOf = (number: number): Address => ({ ip: `192.0.2.${1 + number % 250}`, port: 1_024 + number % 60_000 })

/** Where a datagram comes from: mostly one of the cast, sometimes the server itself or a stranger. */
export const from = (chance: Chance, { size, state }: Cast): Address => {
  const { ip, port } = state().self
  if (chance.happens(0.03)) return { ip, port }
  if (chance.happens(0.03)) return { ip: chance.of(["198.51.100.9", "0.0.0.0", "fe80::1"]), port: 1 }
  return addressOf(chance.below(size))
}

const texts = [
  "a",
  "é".repeat(32),
  "\u0001".repeat(10),
  "\"".repeat(32),
  "constructor",
  "__proto__",
  "\ud800",
  "x".repeat(64)
]
const huge = [0, -0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 52, 2 ** 52 + 1, 2 ** 53, 1e308, -1e308, 0.5, 4_294_967_296]

const nonces = (chance: Chance, { client, state: stateOf }: Cast): string => {
  const state = stateOf()
  const [tombstones] = HashMap.values(state.tombstones)
  const [check] = HashMap.values(state.checks)
  const { activity } = state.election
  const preVote = activity._tag === "PreVote" ? activity.nonce : undefined
  const path = state.pathProbes.nonce
  const known = [state.probe, preVote, path, state.paging?.nonce, tombstones?.nonce, check?.nonce, client().join.nonce]
    .filter((nonce) => !!nonce)
  return known.length > 0 && chance.happens(0.6) ? chance.of(known)! : chance.hex(1 + chance.below(32))
}

const term = (chance: Chance, { election: { heard, last, reign } }: State): number =>
  chance.of([0, 1, heard, heard, heard + 1, reign?.term ?? last?.term ?? 0, heard + 100_000, 2 ** 52 - 1, 2 ** 52])

/** A term that this server stands for, claims or has promised, where there is one: that is what an answer must name. */
const claimed = (chance: Chance, state: State): number => {
  const { activity, claim } = state.election
  const [promise] = HashMap.values(state.promises)
  const some = [claim?.term, promise?.term, activity._tag === "Standing" ? activity.standing : undefined]
    .filter((term) => term !== undefined)
  return some.length > 0 && chance.happens(0.7) ? chance.of(some) : term(chance, state)
}

/** A number of a message, or its index: the next one, mostly, of those that are known of. */
const next = (name: string, chance: Chance, { client, state: stateOf }: Cast): number => {
  const { delivery } = stateOf()
  const [known] = HashMap.values(delivery.clients)
  const newest = delivery.receiver.tracks[0]?.newest ?? 0
  const from = name === "index" ? newest : chance.of([known?.accepted ?? 0, client().flights[0]?.seq ?? 0])
  return chance.of([1, 2, from, from + 1, from + 1, from + 2, from + chance.below(70), 5_000, 2 ** 53 - 1])
}

/** Whether terms are used up is for few episodes to find out: after it there is nothing more to fight for. */
const sane = (value: number, chance: Chance) => value > 2 ** 50 && !chance.happens(0.002) ? 7 : value

const leader = (chance: Chance, cast: Cast): Json => {
  const number = chance.below(cast.size)
  const { self } = cast.state()
  return chance.happens(0.2) ? null : chance.happens(0.15)
    ? { id: self.id, priority: self.priority, incarnation: self.incarnation, ip: self.ip, port: self.port }
    : { id: idOf(number), priority: number % 5, incarnation: 1_000, ...addressOf(number) }
}

/** A value that its schema lets in, mostly, for a field of this name. */
const field = (name: string, value: Json, chance: Chance, cast: Cast): Json => {
  const state = cast.state()
  switch (name) {
    case "to":
    case "from":
      if (typeof value === "number") return next("seq", chance, cast)
      if (typeof value === "object") return value
      return idOf(chance.below(cast.size))
    case "seq":
    case "oldest":
    case "index":
    case "delivered":
      return next(name, chance, cast)
    case "client":
      if (typeof value === "string") return chance.happens(0.7) ? cast.client().client.id : value
      return { ...value as object, id: chance.happens(0.1) ? cast.client().client.id : idOf(chance.below(cast.size)) }
    case "claim":
      return sane(claimed(chance, state), chance)
    case "beat":
      return chance.of([state.election.claim?.beat ?? 1, 1, 2, 2 ** 53 - 1])
    case "lease":
      return state.timing.lease !== null && chance.happens(0.8) ? { ...state.timing.lease } : value
    case "granted":
      return chance.happens(0.7)
    case "id":
    case "boundTo":
    case "successor":
      return chance.happens(0.1) ? state.self.id : idOf(chance.below(cast.size))
    case "incarnation":
      return chance.happens(0.8)
        ? 1_000
        : chance.of([0, 999, 1_001, state.self.incarnation, state.self.incarnation + 1, 2 ** 53 - 1])
    case "standing":
      return sane(claimed(chance, state), chance)
    case "promised":
    case "term":
    case "heard":
      return sane(term(chance, state), chance)
    case "nonce":
      return nonces(chance, cast)
    case "priority":
      return chance.of([0, 1, 4, -2_147_483_648, 2_147_483_647])
    case "interval":
      return chance.of([1, 500, 10_000, 3_600_000])
    case "port":
      return chance.of([1, 4_000, 65_535, state.self.port])
    case "ip":
      return chance.of(["192.0.2.1", "::", "fe80::1%eth0", state.self.ip, "255.255.255.255"])
    case "page":
    case "of":
      return chance.of([0, 1, 2, 65_535])
    case "election":
      return chance.of(["", "", "", "other", "billing", chance.hex(8), ...[...HashMap.keys(state.named)].slice(0, 3)])
    case "elections":
      return Array.from({ length: chance.below(17) }, () => chance.hex(8))
    case "leader":
      return typeof value === "string" ? state.election.reign?.leader.id ?? value : leader(chance, cast)
    case "sender": {
      const number = chance.below(cast.size)
      return { ...(value as object), id: idOf(number), priority: number % 5, incarnation: 1_000, ...addressOf(number) }
    }
    case "list":
      return Array.isArray(value) && value.length > 0
        ? Array.from({ length: chance.below(9) }, () => remade("", value[0] as Json, chance, cast, 0.5))
        : []
    case "tags":
      return JSON.parse(chance.of(["{}", "{\"__proto__\":\"x\"}", "{\"constructor\":\"y\",\"a\":\"b\"}"]))
    case "name":
    case "hostname":
      return chance.of(texts)
    case "origin":
      return { id: state.self.id, incarnation: state.self.incarnation }
    case "type":
      return value
    default:
      return typeof value === "number"
        ? chance.of([0, 1, 2, value, 65_535, 2 ** 32])
        : typeof value === "string"
        ? chance.of(["", value, chance.hex(16), ...texts])
        : value
  }
}

const remade = (name: string, value: Json, chance: Chance, cast: Cast, share: number): Json => {
  const there = name !== "" && chance.happens(share) ? field(name, value, chance, cast) : value
  if (typeof there !== "object" || there === null) return there
  if (Array.isArray(there)) return there.map((item: Json) => remade("", item, chance, cast, share))
  return Object.fromEntries(Object.entries(there).map(([key, inner]) => [key, remade(key, inner, chance, cast, share)]))
}

/** What is said of the life of the leader that is followed. */
const life = (chance: Chance, { election: { life }, self }: State): { readonly [key: string]: Json } => ({
  alive: chance.of([1, life.number, life.number + 1, life.number + 1, 1_000]),
  hops: chance.of([1, 1, 2, 3]),
  ...(chance.happens(0.2) ? { through: self.id } : {})
})

/** Fields that may be left out, and mostly are. */
const optional = (type: Json | undefined, chance: Chance, cast: Cast): { readonly [key: string]: Json } => {
  if (!chance.happens(0.3)) return {}
  const lease = cast.state().timing.lease
  switch (type) {
    case "SERVER_PROBE":
      return { preVote: chance.of(["", "", "other", "billing"]) }
    case "OK":
      return life(chance, cast.state())
    case "SERVER_ALIVE":
      return {
        ...life(chance, cast.state()),
        sees: chance.of([1, 2, cast.state().members.length + 1, 1_000]),
        silent: chance.of([1, 30_000, 86_400_000]),
        view: chance.of([0, 1, 2 ** 32 - 1])
      }
    case "SERVER_RESPONSE":
      return {
        preVote: {
          granted: chance.happens(0.7),
          promised: sane(term(chance, cast.state()), chance),
          boundTo: chance.happens(0.5) ? null : idOf(chance.below(cast.size)),
          remaining: chance.of([0, 1, 900, 86_400_000])
        },
        view: chance.of([0, 1, 2 ** 32 - 1]),
        delivered: next("delivered", chance, cast),
        elections: ["6f746865"]
      }
    case "ELECTION":
      return lease === null ? {} : { lease: { ...lease } }
    case "COORDINATOR":
    case "STEPPING_DOWN":
      return { cause: chance.of(["Transferred", "Resigned", "Stalled", "WorkOverran"]), delivered: chance.below(5) }
    default:
      return {}
  }
}

/** What an answer must name to be one: of some it is right in all, of others in half of it or in none. */
const aims = [
  "election",
  "incarnation",
  "standing",
  "claim",
  "beat",
  "lease",
  "granted",
  "nonce",
  "client",
  "seq",
  "oldest",
  "index"
]

const aimed = (
  base: { readonly [key: string]: Json },
  chance: Chance,
  cast: Cast
): { readonly [key: string]: Json } => {
  const share = chance.of([0, 0.5, 1])
  const names = aims.filter((name) => name in base && chance.happens(share))
  return Object.fromEntries(names.map((name) => [name, field(name, base[name]!, chance, cast)]))
}

/** A message of any kind that says what it likes. */
export const message = (chance: Chance, cast: Cast): { readonly [key: string]: Json } => {
  const base = chance.of(corpus)
  const whole = "sender" in base
    ? {
      ...base,
      sender: field("sender", base["sender"], chance, cast),
      // Who is known to hear it is followed.
      ...(chance.happens(0.5) ? { hears: cast.state().self.id } : {}),
      leader: leader(chance, cast),
      term: sane(term(chance, cast.state()), chance),
      heard: sane(term(chance, cast.state()), chance)
    }
    : base
  // Who speaks of itself as the leader is believed.
  const { sender } = whole as { readonly sender?: { readonly [key: string]: Json } }
  const own = sender !== undefined && chance.happens(0.3)
    ? {
      leader: Object.fromEntries(["id", "priority", "incarnation", "ip", "port"].map((key) => [key, sender[key]!]))
    }
    : {}
  return remade(
    "",
    { ...whole, ...own, ...aimed(base, chance, cast), ...optional(base["type"], chance, cast) },
    chance,
    cast,
    chance.of([0, 0.05, 0.2])
  ) as { readonly [key: string]: Json }
}

/** What no schema lets in. */
const wrong = (chance: Chance): string =>
  chance.of([
    () => String(chance.of(huge)),
    () => "1e400",
    () => "null",
    () => "[]",
    () => "{}",
    () => "true",
    () => "\"\"",
    () => `"${"x".repeat(chance.below(600))}"`,
    () => "[".repeat(1 + chance.below(200)),
    () => {
      const depth = 1 + chance.below(200)
      return "[".repeat(depth) + "]".repeat(depth)
    },
    () => `{"a":`.repeat(50) + "1" + "}".repeat(50),
    () => "{\"__proto__\":{\"type\":\"SERVER_ALIVE\"},\"constructor\":{\"prototype\":{}}}",
    () => "\"\\ud800\"",
    () => "99999999999999999999999999",
    () => "-"
  ])()

/** The text of a message with one of its values replaced, a field taken out, doubled or put in. */
export const spoiled = (chance: Chance, cast: Cast): string => {
  const whole = message(chance, cast)
  const text = JSON.stringify(whole)
  const at = [...text.matchAll(/"(\w+)":("[^"]*"|-?[\d.]+|null|\{|\[)/g)]
  const hit = at.length === 0 ? undefined : chance.of(at)
  if (hit === undefined) return text
  const [all, name = "", value = ""] = hit
  const before = text.slice(0, hit.index)
  const after = text.slice(hit.index + all.length)
  const open = value === "{" || value === "["
  switch (chance.below(5)) {
    case 0:
      return `${before}"${name}x":${value}${after}`
    case 1:
      return `${before}"${name}":${wrong(chance)},"${name}":${value}${after}`
    case 2:
      return `${before}"unknown":${wrong(chance)},"${name}":${value}${after}`
    case 3:
      return JSON.stringify({ ...whole, type: chance.of(["HORSE", "__proto__", "constructor", "", "toString"]) })
    default:
      return open
        ? `${before}"${name}":${wrong(chance)},"rest":${value}${after}`
        : `${before}"${name}":${wrong(chance)}${after}`
  }
}

/** Bytes changed, put in, taken out, cut off, or added until there are too many. */
export const damaged = (frame: Uint8Array, chance: Chance): Uint8Array => {
  switch (chance.below(5)) {
    case 0:
      return frame.subarray(0, chance.below(frame.length))
    case 1:
      return new Uint8Array([...frame, ...chance.bytes(chance.of([1, 40, 1_500]))])
    case 2: {
      const at = chance.below(frame.length)
      return new Uint8Array([
        ...frame.subarray(0, at),
        ...chance.of([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0]]),
        ...frame.subarray(at)
      ])
    }
    default: {
      const changed = frame.slice()
      for (let n = 1 + chance.below(4); n > 0; n--) changed[chance.below(changed.length)] = chance.below(256)
      return changed
    }
  }
}
