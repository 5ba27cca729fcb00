/**
 * What the level `wild` draws besides that of `harsh`: links and hosts that are not whole, and stay so for longer than a group
 * takes to settle.
 */
import * as Timing from "../../protocol/model/Timing.ts"
import type { Fault } from "../Fault.ts"
import * as LinkGraph from "../LinkGraph.ts"

type Kind = "links" | "deaf" | "mute" | "lossyHost" | "pauses" | "slowWork" | "rollback" | "tcp" | "change"

interface When {
  readonly at: number
  readonly for: number
  readonly server: number
}

interface Options {
  readonly servers: number
  readonly millis: number
  readonly from?: number | undefined
  readonly calm: number
  readonly timing:
    & Pick<Timing.Timing, "heartbeatInterval" | "leaderInterval" | "memberTimeout" | "okTimeout" | "probeTimeout">
    & Partial<Pick<Timing.Timing, "lease">>
}

export const drawFault = (kind: Kind, { timing, servers }: Options, chance: () => number, when: When): Fault => {
  switch (kind) {
    case "links":
      return { kind, at: when.at, for: when.for, missing: drawMissing(servers, chance) }
    case "deaf":
    case "mute":
    case "slowWork":
      return { kind, ...when }
    case "tcp":
      return { kind, ...when, how: pick(["rejected", "dropped", "taken"] as const, chance) }
    case "change":
      return {
        kind,
        at: when.at,
        for: 0,
        server: when.server,
        priority: Math.floor(chance() * servers),
        zone: pick(["a", "b", "c"], chance)
      }
    case "lossyHost": {
      const way = (["in", "out", "both"] as const)[Math.floor(3 * chance())]!
      return { kind, ...when, way, probability: 0.1 + 0.7 * chance() }
    }
    case "rollback": {
      const by = Math.round(timing.memberTimeout * (chance() < 0.5 ? 0.5 : 4) * chance())
      const isNoticed = chance() < 0.5 || (timing.lease ?? null) !== null
      return { kind, at: when.at, for: 0, server: when.server, by, isNoticed }
    }
    case "pauses": {
      const every = 500 + 1_500 * chance()
      // Some are too short to be noticed, or for others to have replaced a leader, and some are not.
      const threshold = chance() < 0.5 ? Timing.pauseThreshold(timing) : Timing.leaderReplacedAfter(timing)
      return {
        kind,
        ...when,
        every: Math.round(every),
        pause: Math.round(Math.min(0.6 * every, threshold * (0.5 + 0.6 * chance())))
      }
    }
  }
}

/** For most of the time links; and in a group of two every missing link is a host's. */
const spellKinds: ReadonlyArray<Kind> = ["links", "links", "links", "links", "deaf", "mute", "lossyHost", "pauses"]

/**
 * Something that is not whole for longer than the group takes to settle with it, and some that happens to servers while it
 * begins. It may be so from the start, and to the end.
 */
export const drawSpell = (
  options: Options,
  chance: () => number,
  now: number
): { readonly faults: ReadonlyArray<Fault>; readonly until: number } => {
  const { calm, from = 0, millis, timing: { memberTimeout }, servers } = options
  const at = now === from && chance() < 0.5 ? from : now + memberTimeout * chance()
  // The group may take longer where it hears over several links; and then it is looked at for a while.
  const wanted = memberTimeout * chance() + 2.5 * calm + memberTimeout * 10 * chance()
  const stays = at + wanted + calm < millis ? chance() < 1 / 6 : chance() < 0.5
  const until = stays ? millis : Math.min(at + wanted, millis - calm)
  const draw = (kind: Kind) =>
    drawFault(kind, options, chance, { at, for: until - at, server: Math.floor(chance() * servers) })
  const faults = [draw(pick(spellKinds, chance))]
  if (chance() < 0.3) faults.push(draw("slowWork"))
  // A leader that goes or comes back meets what is missing.
  const more = Math.floor(3 * chance())
  for (let count = 0; count < more; count++) {
    const server = Math.floor(chance() * servers)
    const then = at + memberTimeout * 2 * chance()
    faults.push(drawBefalling(server, then, memberTimeout * 2 * chance(), chance))
  }
  return { faults: faults.filter((fault) => fault.at < until), until }
}

/**
 * Servers stop one after another, the same one perhaps twice, and start again within a lease; or somewhat later. What they hand
 * over to each other may be lost or late, and who keeps it may be paused, die, or be set back.
 */
export const drawRolling = (
  options: Options,
  chance: () => number,
  now: number
): { readonly faults: ReadonlyArray<Fault>; readonly until: number } => {
  const { calm, millis, timing: { lease, memberTimeout }, servers } = options
  const duration = lease?.duration ?? memberTimeout
  const last = millis - calm
  const faults: Array<Fault> = []
  let at = now
  for (let left = servers * (1 + Math.floor(2 * chance())); left > 0 && at < last; left--) {
    const server = Math.floor(chance() * servers)
    const lasting = Math.min(last - at, duration * (chance() < 0.8 ? 0.3 : 1.5) * chance())
    faults.push({ kind: "stop", at, for: lasting, server })
    if (chance() < 0.15) {
      const other = Math.floor(chance() * servers)
      const then = at + lasting * chance()
      faults.push(
        chance() < 0.3
          ? drawFault("rollback", options, chance, { at: then, for: 0, server: other })
          : drawBefalling(other, then, Math.min(last - then, duration * chance()), chance)
      )
    }
    // Again before it votes, while others are down, or when all are back.
    at += chance() < 0.3 ? lasting * chance() : lasting + duration * 0.5 * chance()
  }
  const until = Math.min(last, at + duration)
  const when = { at: now, for: until - now }
  if (chance() < 0.4) faults.push({ kind: "loss", ...when, probability: 0.4 * chance() })
  if (chance() < 0.2) faults.push({ kind: "duplicate", ...when, probability: 0.5 * chance() })
  if (chance() < 0.3) {
    const by = duration * 0.3 * chance()
    faults.push({ kind: "reorder", at: now, for: Math.max(0, when.for - by), probability: 0.3, by })
  }
  return { faults, until: until + duration }
}

const drawBefalling = (server: number, at: number, lasting: number, chance: () => number): Fault => {
  const kind = pick(["kill", "crash", "stop", "restart", "resign", "suspend"] as const, chance)
  return kind === "restart" || kind === "resign" ? { kind, at, for: 0, server } : { kind, at, for: lasting, server }
}

/** Few or many, one way or both, or all between two parts of the group but one link. */
const drawMissing = (servers: number, chance: () => number): ReadonlyArray<LinkGraph.Link> => {
  const all = LinkGraph.pairs(servers)
  const isOneWay = chance() < 0.5
  const share = 0.1 + 0.6 * chance()
  const drawn = all.filter(([from, to]) => (isOneWay || from < to) && chance() < share)
  const missing = isOneWay
    ? drawn
    : drawn.flatMap(([from, to]): ReadonlyArray<LinkGraph.Link> => [[from, to], [to, from]])
  return missing.length > 0 || all.length === 0 ? missing : [pick(all, chance)]
}

const pick = <A>(all: ReadonlyArray<A>, chance: () => number): A => all[Math.floor(chance() * all.length)] as A
