/**
 * What goes wrong in a simulated run: faults as plain data, each with its time and its end in itself, so that any of
 * them can be left out of a story and what remains is one. A story is drawn from a seed, or written by hand.
 *
 * Faults come in storms with calms between them. A calm is as long as the protocol may take to settle, and something
 * more, so that what it promises can be looked at.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Timing from "../protocol/model/Timing.ts"
import type { Fault } from "./Fault.ts"
import * as Wild from "./internal/wild.ts"

export type { Fault } from "./Fault.ts"

/** What the levels up to `harsh` draw from: one more here would make other stories of their seeds. */
const upToHarsh = [
  "partition",
  "cut",
  "loss",
  "delay",
  "duplicate",
  "reorder",
  "multicastLoss",
  "overflow",
  "kill",
  "crash",
  "stop",
  "restart",
  "pause",
  "suspend",
  "jump",
  "drift",
  "resign",
  "move",
  "secondNetwork",
  "lateNetwork",
  "noScans",
  "noSockets",
  "noSends",
  "deadNames"
] as const satisfies ReadonlyArray<Fault["kind"]>

const upToWild = [
  ...upToHarsh,
  "links",
  "deaf",
  "mute",
  "lossyHost",
  "pauses",
  "slowWork",
  "rollback"
] as const satisfies ReadonlyArray<Fault["kind"]>

/** Every kind of fault. */
export const kinds = [...upToWild, "tcp", "change"] as const satisfies ReadonlyArray<Fault["kind"]>

/**
 * How bad a run is.
 *
 * - `none`: nothing happens after the start.
 * - `mild`: a fault about once in two `memberTimeout`s, short ones, of a network and machines that are mostly well: single
 *   losses up to 5 %, delays of some ms, a restart, a pause, an address that changes, a second network.
 * - `harsh`: five faults in a `memberTimeout`, several at once, long and short: half of all datagrams lost, delays of a
 *   `probeTimeout` and more, partitions, power cuts, suspended machines, wall clocks set by hours, and all else. In one story
 *   of 32 all servers are on two networks, in one of 24 they name each other as seeds.
 * - `wild`: `harsh`, and what is not whole for longer: links that are missing one way or both, deaf, mute and lossy hosts, short
 *   pauses again and again, work that overruns in every reign. In one story of six the last of it stays to the end. With a lease,
 *   also servers that stop one after another and are back before what they promised is over.
 */
export const profiles = ["none", "mild", "harsh", "wild"] as const

/** The kinds of fault that a level draws. */
export const kindsOf = (profile: Profile): ReadonlyArray<Fault["kind"]> =>
  profile === "none" ? [] : profile === "mild" ? mildKinds : profile === "harsh" ? upToHarsh : upToWild

/** The name of a profile of faults. */
export type Profile = (typeof profiles)[number]

/** When the effect of a fault on anything is over: what was held up under way may still arrive for a while. */
export const endOf = (fault: Fault): number =>
  fault.at + fault.for + (fault.kind === "delay" ? fault.max : fault.kind === "reorder" ? fault.by : 0)

/** What a story is drawn from. */
export interface Options {
  readonly seed: number | string
  readonly profile: Profile
  readonly servers: number
  /** How long the run is, in ms. */
  readonly millis: number
  readonly timing:
    & Pick<Timing.Timing, "heartbeatInterval" | "leaderInterval" | "memberTimeout" | "okTimeout" | "probeTimeout">
    & Partial<Pick<Timing.Timing, "lease">>
  /** How long the group may take to settle after the last fault, in ms. */
  readonly calm: number
  /** The most by which the speed of a clock differs from true time; 0.01 is one in a hundred. */
  readonly drift: number
  /** The most by which a wall clock is set, in ms. */
  readonly jumps: number
  /** The first fault comes no earlier, in ms. */
  readonly from?: number | undefined
}

/** A story drawn from a seed: the same options give the same. In order of time. */
export const draw = (options: Options): Effect.Effect<ReadonlyArray<Fault>> =>
  Effect.map(
    Effect.forEach(
      ["faults", "tcp", "changes"],
      (what) => Random.withSeed(Effect.service(Random.Random), `${options.seed} ${what}`)
    ),
    ([random, ofTcp, ofChanges]) => {
      const story = drawn(options, () => random!.nextDoubleUnsafe())
      if (options.profile !== "wild") return story
      const whole = withTcp(story, options, () => ofTcp!.nextDoubleUnsafe())
      return withChanges(whole, options, () => ofChanges!.nextDoubleUnsafe())
    }
  )

// internal

const drawn = (options: Options, chance: () => number): ReadonlyArray<Fault> => {
  const { calm, from = 0, millis, profile, timing: { memberTimeout } } = options
  const faults: Array<Fault> = []
  if (profile === "none") return faults
  const isHarsh = profile !== "mild"
  const gap = isHarsh ? memberTimeout / 5 : memberTimeout * 2
  const world = drawWorld(options, chance)
  faults.push(...world.faults)
  let now = from
  while (now + calm < millis) {
    if (profile === "wild" && (options.timing.lease ?? null) !== null && chance() < 0.4) {
      const rolled = Wild.drawRolling(options, chance, now)
      faults.push(...rolled.faults)
      now = rolled.until + calm * (1.05 + 0.3 * chance())
      continue
    }
    if (profile === "wild" && chance() < 0.6) {
      const spell = Wild.drawSpell(options, chance, now)
      faults.push(...spell.faults)
      now = spell.until + calm * (1.05 + 0.3 * chance())
      continue
    }
    // Many storms are short: what two faults do to each other is seen best where nothing else happens.
    const storm = Math.min(memberTimeout * (isHarsh ? 0.2 + 6 * chance() ** 2 : 4), millis - calm - now)
    const until = now + storm
    let at = now
    while (at < until) {
      faults.push(drawOne(options, world.kinds, chance, at, until))
      at += -Math.log(1 - chance()) * gap
    }
    now = until + calm * (1.05 + 0.3 * chance()) +
      (faults.some((fault) => fault.at >= now && isOfNetworks(fault)) ? looksWithin : 0)
  }
  return faults.map(rounded).toSorted((a, b) => a.at - b.at)
}

/** Beside some of the faults, what happens to the links of a server. It has a chance of its own, so that all else stays as it is. */
const withTcp = (
  story: ReadonlyArray<Fault>,
  options: Options,
  chance: () => number
): ReadonlyArray<Fault> =>
  story.flatMap((fault): ReadonlyArray<Fault> => {
    if (fault.for === 0 || chance() > 0.3) return [fault]
    const server = Math.floor(chance() * options.servers)
    return [Wild.drawFault("tcp", options, chance, { at: fault.at, for: fault.for, server }), fault]
  })

/**
 * And what apps change of what their servers say of themselves. Not while links are missing: who hears a member through others only
 * does not learn what it says of itself.
 */
const withChanges = (
  story: ReadonlyArray<Fault>,
  options: Options,
  chance: () => number
): ReadonlyArray<Fault> => {
  const spells = story.filter(({ kind }) => isOfLinks.has(kind))
  return story.flatMap((fault): ReadonlyArray<Fault> => {
    const isAmong = spells.some((spell) => spell.at <= fault.at && fault.at <= endOf(spell))
    if (isAmong || chance() > 0.2) return [fault]
    const server = Math.floor(chance() * options.servers)
    return [Wild.drawFault("change", options, chance, { at: fault.at, for: 0, server }), fault]
  })
}

const isOfLinks: ReadonlySet<Fault["kind"]> = new Set(["links", "deaf", "mute", "lossyHost"])

/** What may end up to that many ms after the last fault is over, when a server has found where it is. */
const looksWithin = 2_000

const isOfNetworks = ({ kind }: Fault): boolean => kind === "move" || kind === "secondNetwork" || kind === "lateNetwork"

// Whole ms, so that a story can be read and written again.
const rounded = (fault: Fault): Fault => ({ ...fault, at: Math.round(fault.at), for: Math.ceil(fault.for) as 0 })

/** What is so from the start to the end, and what may happen to servers that live so. */
const drawWorld = ({ from = 0, millis, profile, servers }: Options, chance: () => number) => {
  if (profile === "mild") return { kinds: mildKinds, faults: [] }
  const all = kindsOf(profile)
  const isNamed = chance() < 1 / 24
  const isTwofold = chance() < 1 / 32
  return {
    kinds: isNamed ? all : all.filter((kind) => kind !== "deadNames"),
    faults: !isTwofold
      ? []
      : Array.from(
        { length: servers },
        (_, server): Fault => ({ kind: "secondNetwork", at: from, for: millis, server })
      )
  }
}

const drawOne = (
  options: Options,
  all: ReadonlyArray<Fault["kind"]>,
  chance: () => number,
  at: number,
  until: number
): Fault => {
  const { calm, drift, jumps, millis, profile, timing: { memberTimeout, probeTimeout }, servers } = options
  const harsh = profile !== "mild"
  const kind = pick(all, chance)
  const server = Math.floor(chance() * servers)
  const long = harsh && chance() < 0.4 ? 2.5 : 0.3
  const lasting = Math.min(until - at, memberTimeout * long * chance())
  switch (kind) {
    case "partition":
      return { kind, at, for: lasting, parts: drawParts(servers, chance) }
    case "cut":
      return { kind, at, for: lasting, from: server, to: (server + 1 + Math.floor(chance() * (servers - 1))) % servers }
    case "loss":
      return { kind, at, for: lasting, probability: harsh ? 0.05 + 0.5 * chance() : 0.05 * chance() }
    case "duplicate":
      return { kind, at, for: lasting, probability: harsh ? 0.5 * chance() : 0.05 * chance() }
    case "reorder": {
      const by = Math.min(probeTimeout * (harsh ? 3 : 0.1), (until - at) / 2)
      return { kind, at, for: Math.min(lasting, until - at - by), probability: harsh ? 0.5 * chance() : 0.05, by }
    }
    case "delay": {
      // Some are longer than any time-out: what was said before comes when all has changed.
      const most = harsh ? (chance() < 0.2 ? memberTimeout * 1.5 : probeTimeout * 2) : probeTimeout / 10
      const max = 1 + Math.min(most * chance(), Math.max(0, until - at) / 2)
      return { kind, at, for: Math.max(0, Math.min(lasting, until - at - max)), max }
    }
    case "multicastLoss":
      return { kind, at, for: lasting, server, probability: chance() < 0.5 ? 1 : chance() }
    case "pause":
      return { kind, at, for: lasting, server, first: chance() < 0.5 ? "datagrams" : "sleepers" }
    case "overflow":
    case "suspend":
    case "secondNetwork":
    case "lateNetwork":
      return { kind, at, for: lasting, server }
    case "noScans":
    case "noSockets":
    case "noSends":
      return { kind, at, for: lasting, server }
    case "move":
      // Of few addresses, so that one is soon another's.
      return {
        kind,
        at,
        for: chance() < 0.4 ? 0 : lasting,
        server,
        host: 1 + Math.floor(chance() * (servers + 3))
      }
    case "deadNames":
      return { kind, at, for: lasting, how: pick(["silent", "late", "old"], chance) }
    case "kill":
    case "crash":
    case "stop":
      // One in four stays away over a calm, so that calms are seen with servers missing.
      return { kind, at, server, for: chance() < 0.25 && until + 3 * calm < millis ? until - at + calm * 1.5 : lasting }
    case "restart":
    case "resign":
      return { kind, at, for: 0, server }
    case "jump": {
      const size = (chance() < 0.5 ? jumps : Math.min(jumps, memberTimeout)) * chance()
      return { kind, at, for: 0, server, by: Math.round((chance() < 0.5 ? -1 : 1) * size) }
    }
    case "drift":
      return { kind, at, for: lasting, server, rate: Number((1 + drift * (2 * chance() - 1)).toFixed(6)) }
    default:
      return Wild.drawFault(kind, options, chance, { at, for: lasting, server })
  }
}

const mildKinds: ReadonlyArray<Fault["kind"]> = [
  "loss",
  "loss",
  "delay",
  "duplicate",
  "reorder",
  "stop",
  "restart",
  "pause",
  "drift",
  "move",
  "secondNetwork"
]

const pick = <A>(all: ReadonlyArray<A>, chance: () => number): A => all[Math.floor(chance() * all.length)] as A

const drawParts = (servers: number, chance: () => number): ReadonlyArray<ReadonlyArray<number>> => {
  const parts: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  const pieces = servers > 3 && chance() < 0.2 ? 3 : 2
  for (let index = 0; index < servers; index++) parts[Math.floor(chance() * pieces)]?.push(index)
  // All on one side would be no partition.
  if (parts.filter((part) => part.length > 0).length < 2) parts[2].push((parts[0].pop() ?? parts[1].pop()) as number)
  return parts.filter((part) => part.length > 0)
}
