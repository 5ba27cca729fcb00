/**
 * What lies between the machines of one network: who is cut off from whom, what happens to a datagram on each link, and when
 * it arrives. Every draw of the network's chance is made here.
 */
import * as Duration from "effect/Duration"
import type * as Random from "effect/Random"
import type { Conditions } from "../Traffic.ts"

/** Conditions with their durations in milliseconds. */
interface Weather {
  readonly loss: number
  readonly delayMin: number
  readonly delayMax: number
  readonly duplicate: number
  readonly reorder: number
  readonly reorderBy: number
}

/** One direction between two machines. */
interface Link {
  weather: Weather
  readonly own: Partial<Conditions>
  /** When the last datagram arrives that keeps the order. */
  last: number
}

export interface Links {
  readonly partition: (parts: ReadonlyArray<ReadonlyArray<string>>) => void
  readonly cut: (from: string, to: string) => void
  readonly heal: () => void
  readonly isCut: (from: string, to: string) => boolean
  readonly set: (conditions: Partial<Conditions>) => void
  readonly setLink: (from: string, to: string, conditions: Partial<Conditions>) => void
  readonly between: (from: string, to: string) => Link
  readonly happens: (probability: number) => boolean
  /** How long a datagram is under way. */
  readonly drawDelay: (link: Link) => number
  /** When a datagram that is sent now arrives. */
  readonly drawArrival: (link: Link, now: number) => number
}

const applyTo = (weather: Weather, conditions: Partial<Conditions>): Weather => ({
  loss: conditions.loss ?? weather.loss,
  delayMin: conditions.delay === undefined ? weather.delayMin : Duration.toMillis(conditions.delay.min),
  delayMax: conditions.delay === undefined ? weather.delayMax : Duration.toMillis(conditions.delay.max),
  duplicate: conditions.duplicate ?? weather.duplicate,
  reorder: conditions.reorder ?? weather.reorder,
  reorderBy: conditions.reorderBy === undefined ? weather.reorderBy : Duration.toMillis(conditions.reorderBy)
})

// Whole microseconds, so that times in traces and tests can be read.
const rounded = (millis: number) => Math.round(millis * 1_000) / 1_000

export const make = (chance: Random.Random, conditions: Partial<Conditions>): Links => {
  const links = new Map<string, Map<string, Link>>()
  const cuts = new Map<string, Set<string>>()
  let parts: ReadonlyMap<string, number> | undefined
  let weather = applyTo(
    { loss: 0, delayMin: 0.1, delayMax: 1, duplicate: 0, reorder: 0, reorderBy: 20 },
    conditions
  )

  const put = (from: string, to: string, own: Partial<Conditions>, last: number) => {
    const link: Link = { weather: applyTo(weather, own), own, last }
    const ends = links.get(from) ?? new Map<string, Link>()
    links.set(from, ends.set(to, link))
    return link
  }
  const happens = (probability: number) =>
    probability > 0 && (probability >= 1 || chance.nextDoubleUnsafe() < probability)
  const drawDelay = ({ weather: { delayMax, delayMin } }: Link) =>
    delayMax <= delayMin ? delayMin : rounded(delayMin + chance.nextDoubleUnsafe() * (delayMax - delayMin))

  return {
    partition: (wanted) => {
      parts = new Map(wanted.flatMap((names, part) => names.map((name) => [name, part] as const)))
    },
    cut: (from, to) => {
      cuts.set(from, (cuts.get(from) ?? new Set<string>()).add(to))
    },
    heal: () => {
      parts = undefined
      cuts.clear()
    },
    isCut: (from, to) =>
      parts !== undefined && (parts.get(from) ?? -1) !== (parts.get(to) ?? -1) || cuts.get(from)?.has(to) === true,
    set: (conditions) => {
      weather = applyTo(weather, conditions)
      for (const ends of links.values()) {
        for (const link of ends.values()) link.weather = applyTo(weather, link.own)
      }
    },
    setLink: (from, to, conditions) => {
      put(from, to, conditions, links.get(from)?.get(to)?.last ?? 0)
    },
    between: (from, to) => links.get(from)?.get(to) ?? put(from, to, {}, 0),
    happens,
    drawDelay,
    drawArrival: (link, now) => {
      const due = now + drawDelay(link)
      if (happens(link.weather.reorder)) return due + rounded(chance.nextDoubleUnsafe() * link.weather.reorderBy)
      link.last = Math.max(due, link.last)
      return link.last
    }
  }
}
