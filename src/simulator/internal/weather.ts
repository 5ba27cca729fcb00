/** The network of a simulated run as all faults that are active make it: of each kind, the worst. */
import * as Effect from "effect/Effect"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import type * as Faults from "../Faults.ts"
import * as LinkGraph from "../LinkGraph.ts"
import type * as Watcher from "../Watcher.ts"

/** Of a kind that may last for longer than the group takes to settle, so that it is looked at meanwhile. */
export const lasts = ({ kind }: Faults.Fault): boolean =>
  kind === "links" || kind === "deaf" || kind === "mute" || kind === "lossyHost" || kind === "pauses" ||
  kind === "slowWork"

/** Whether a fault may keep what the one sends from the other, or hold it up. */
export const spoils = (fault: Faults.Fault, from: number, to: number): boolean => {
  switch (fault.kind) {
    case "partition":
    case "loss":
    case "delay":
    case "reorder":
      return true
    case "cut":
      return fault.from === from && fault.to === to
    case "overflow":
    case "multicastLoss":
      return fault.server === to
    case "noSends":
      return fault.server === from
    case "lossyHost":
      return loses(fault, from, to)
    default:
      return isCut(fault, from, to)
  }
}

/** Has the network of a group be as the faults that are active now make it, and tells the watcher what of it stays so. */
export const make = ({ active, group, servers, watcher }: {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly watcher: Watcher.Watcher
  readonly active: ReadonlySet<Faults.Fault>
  readonly servers: number
}) => {
  let lossy: ReadonlyArray<LossyLink> = []

  const change = Effect.gen(function*() {
    const weather = weatherOf([...active], servers)
    watcher.quiet.set(lastingOf([...active], servers))
    yield* group.heal
    for (const [from, to] of weather.cuts) yield* group.cut(from, to)
    if (weather.parts !== undefined) yield* group.partition(weather.parts)
    yield* group.setLoss(weather.loss)
    yield* group.setDuplicate(weather.duplicate)
    yield* group.setReorder(weather.reorder, weather.reorderBy)
    yield* group.setDelay({ min: 0.1, max: weather.delay })
    for (const [index, loss] of weather.multicastLoss.entries()) yield* group.setMulticastLoss(index, loss)
    for (const { link: [from, to] } of lossy) yield* group.setLink(from, to, {})
    lossy = weather.lossy
    for (const { link: [from, to], loss } of lossy) yield* group.setLink(from, to, { loss })
  })

  return { change }
}

// internal

interface LossyLink {
  readonly link: LinkGraph.Link
  readonly loss: number
}

interface Weather {
  readonly cuts: ReadonlyArray<LinkGraph.Link>
  readonly parts: ReadonlyArray<ReadonlyArray<number>> | undefined
  readonly loss: number
  readonly duplicate: number
  readonly reorder: number
  readonly reorderBy: number
  readonly delay: number
  /** By the number of the server. */
  readonly multicastLoss: ReadonlyArray<number>
  readonly lossy: ReadonlyArray<LossyLink>
}

const weatherOf = (active: ReadonlyArray<Faults.Fault>, servers: number): Weather => {
  const worst = (measure: (fault: Faults.Fault) => number | false, least = 0): number =>
    active.reduce((most, fault) => Math.max(most, measure(fault) || 0), least)
  const loss = worst((fault) => fault.kind === "loss" && fault.probability)
  const partition = active.findLast((fault) => fault.kind === "partition")
  return {
    cuts: [
      ...missingIn(active, servers),
      ...active.flatMap((fault) => fault.kind === "cut" ? [[fault.from, fault.to] as const] : [])
    ],
    parts: partition?.parts,
    loss,
    duplicate: worst((fault) => fault.kind === "duplicate" && fault.probability),
    reorder: worst((fault) => fault.kind === "reorder" && fault.probability),
    reorderBy: worst((fault) => fault.kind === "reorder" && fault.by),
    delay: worst((fault) => fault.kind === "delay" && fault.max, 1),
    multicastLoss: Array.from(
      { length: servers },
      (_, index) => worst((fault) => fault.kind === "multicastLoss" && fault.server === index && fault.probability)
    ),
    lossy: LinkGraph.pairs(servers).flatMap((link) => {
      const own = active.filter((fault) => fault.kind === "lossyHost").filter((fault) => loses(fault, ...link))
      return own.length === 0 ? [] : [{ link, loss: Math.max(loss, ...own.map(({ probability }) => probability)) }]
    })
  }
}

/** What stays as it is for longer: the links that are there, and whether chance has a part in it. */
const lastingOf = (
  active: ReadonlyArray<Faults.Fault>,
  servers: number
): Parameters<Watcher.Watcher["quiet"]["set"]>[0] => ({
  graph: LinkGraph.make(servers, missingIn(active, servers)),
  isUnsteady: active.some(({ kind }) => kind === "lossyHost" || kind === "pauses"),
  outOfReach: new Set(
    active.flatMap((fault) =>
      fault.kind === "lossyHost" && fault.way === "both" && fault.probability > 2 / 3 ? [fault.server] : []
    )
  )
})

/** The links that are missing for longer. */
const missingIn = (active: ReadonlyArray<Faults.Fault>, servers: number): ReadonlyArray<LinkGraph.Link> =>
  LinkGraph.pairs(servers).filter((link) => active.some((fault) => isCut(fault, ...link)))

const isCut = (fault: Faults.Fault, from: number, to: number): boolean =>
  (fault.kind === "deaf" && fault.server === to) || (fault.kind === "mute" && fault.server === from)
  || (fault.kind === "links" && fault.missing.some(([one, other]) => one === from && other === to))

const loses = (
  { server, way }: Extract<Faults.Fault, { readonly kind: "lossyHost" }>,
  from: number,
  to: number
): boolean => (way !== "in" && from === server) || (way !== "out" && to === server)
