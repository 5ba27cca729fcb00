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

const isCut = (fault: Faults.Fault, from: number, to: number): boolean =>
  (fault.kind === "deaf" && fault.server === to) || (fault.kind === "mute" && fault.server === from)
  || (fault.kind === "links" && fault.missing.some(([one, other]) => one === from && other === to))

const loses = (
  { server, way }: Extract<Faults.Fault, { readonly kind: "lossyHost" }>,
  from: number,
  to: number
): boolean => (way !== "in" && from === server) || (way !== "out" && to === server)

export const make = ({ active, group, servers, watcher }: {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly watcher: Watcher.Watcher
  readonly active: ReadonlySet<Faults.Fault>
  readonly servers: number
}) => {
  const all = Array.from({ length: servers }, (_, index) => index)
  const links = LinkGraph.pairs(servers)
  let lossy: ReadonlyArray<LinkGraph.Link> = []

  /** What stays as it is for longer: the links that are there, and whether chance has a part in it. */
  const tell = () => {
    const lasting = [...active].filter(lasts)
    const missing = links.filter(([from, to]) => lasting.some((fault) => isCut(fault, from, to)))
    const isUnsteady = lasting.some(({ kind }) => kind === "lossyHost" || kind === "pauses")
    const outOfReach = new Set(
      lasting.flatMap((fault) =>
        fault.kind === "lossyHost" && fault.way === "both" && fault.probability > 2 / 3 ? [fault.server] : []
      )
    )
    watcher.quiet.set({ graph: LinkGraph.make(servers, missing), isUnsteady, outOfReach })
    return missing
  }

  const change = Effect.gen(function*() {
    let loss = 0
    let duplicate = 0
    let reorder = { probability: 0, by: 0 }
    let delay = 1
    const multicastLoss = all.map(() => 0)
    yield* group.heal
    for (const [from, to] of tell()) yield* group.cut(from, to)
    for (const fault of active) {
      switch (fault.kind) {
        case "partition":
          yield* group.partition(fault.parts)
          break
        case "cut":
          yield* group.cut(fault.from, fault.to)
          break
        case "loss":
          loss = Math.max(loss, fault.probability)
          break
        case "duplicate":
          duplicate = Math.max(duplicate, fault.probability)
          break
        case "reorder":
          reorder = {
            probability: Math.max(reorder.probability, fault.probability),
            by: Math.max(reorder.by, fault.by)
          }
          break
        case "delay":
          delay = Math.max(delay, fault.max)
          break
        case "multicastLoss":
          multicastLoss[fault.server] = Math.max(multicastLoss[fault.server] ?? 0, fault.probability)
          break
      }
    }
    yield* group.setLoss(loss)
    yield* group.setDuplicate(duplicate)
    yield* group.setReorder(reorder.probability, reorder.by)
    yield* group.setDelay({ min: 0.1, max: delay })
    for (const index of all) yield* group.setMulticastLoss(index, multicastLoss[index] ?? 0)
    for (const [from, to] of lossy) yield* group.setLink(from, to, {})
    lossy = []
    for (const [from, to] of links) {
      const own = [...active].flatMap((fault) =>
        fault.kind === "lossyHost" && loses(fault, from, to) ? [fault.probability] : []
      )
      if (own.length === 0) continue
      lossy = [...lossy, [from, to]]
      yield* group.setLink(from, to, { loss: Math.max(loss, ...own) })
    }
  })

  return { change }
}
