/** Carries out what is done in a demo, and puts what the servers' events tell into the model. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import type * as Event from "../../protocol/model/Event.ts"
import * as Fleet from "./fleet.ts"
import * as Measured from "./measured.ts"
import * as Model from "./model.ts"
import * as Ports from "./ports.ts"
import type * as Processes from "./processes.ts"

export interface Acting {
  readonly model: () => Model.Model
  readonly update: (change: (model: Model.Model) => Model.Model) => void
  /** Does it, to this server; to all where that is null. */
  readonly act: (kind: Model.Kind, target: string | null) => Effect.Effect<void>
}

interface Given extends Pick<Model.Model, "group" | "leadership" | "token"> {
  /** Something has changed. */
  readonly changed: (before: Model.Model, after: Model.Model) => void
  /** A server has told an event. */
  readonly heard: (name: string, event: Event.AnyEvent) => void
}

/** Where each server that may come serves its page: the same after each start, so that a browser finds it again. */
const makePages = Effect.map(
  Effect.forEach(Model.names, (name) => Effect.map(Ports.connections, (port) => [name, `127.0.0.1:${port}`] as const)),
  (pages): ReadonlyMap<string, string> => new Map(pages)
)

/** The model, and the processes of its servers, which end when the scope closes. */
export const make = Effect.fnUntraced(function*(
  { changed, heard, ...given }: Given
): Effect.fn.Return<Acting, Error, Scope.Scope | ChildProcessSpawner.ChildProcessSpawner> {
  const port = yield* Ports.datagrams
  const pages = yield* makePages
  let model = Model.make(given)
  const update = (change: (model: Model.Model) => Model.Model) => {
    const before = model
    model = change(before)
    if (model !== before) changed(before, model)
  }
  const fleet = yield* Fleet.make({
    heard: (name, event) => {
      heard(name, event)
      update((model) => Measured.hear(model, name, event))
    },
    ended: (name, how) => update((model) => ended(model, name, how))
  })
  const start = (name: string) =>
    Effect.suspend(() => {
      const http = pages.get(name) ?? ""
      const priority = Model.names.findIndex((known) => known === name) + 1
      update((model) => Model.withStarting(model, Model.starting({ name, priority, page: `http://${http}` })))
      const { group, leadership, servers, token } = model
      const groupSize = leadership === "lease" ? Math.max(Model.initial, servers.length) : null
      return fleet.start({ order: "Launch", name, priority, group, port, http, token, groupSize })
    })
  const startAll = Effect.suspend(() => {
    const { servers } = model
    const names = servers.length === 0 ? Model.names.slice(0, Model.initial) : servers.map(({ name }) => name)
    return Effect.andThen(
      Effect.forEach(names, fleet.discharge, { concurrency: "unbounded", discard: true }),
      // One after the other, so that they stand in their order.
      Effect.forEach(names, start, { discard: true })
    )
  })
  const carryOut = (kind: Model.Kind, target: string) => {
    if (kind === "Started") return start(target)
    const process = fleet.get(target)
    return process === undefined ? Effect.void : toProcess(process, kind)
  }
  return {
    model: () => model,
    update,
    act: (kind, target) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        update((model) => Model.act(model, kind, target, at))
        return target === null ? startAll : carryOut(kind, target)
      })
  }
})

/** A process has ended. Where nobody told it to, what it complained of last is shown. */
const ended = (model: Model.Model, name: string, { code, complaint }: Processes.Ended): Model.Model => {
  const after = Model.end(model, name)
  if (Model.serverOf(after, name)?.life !== "failed") return after
  return Model.refuse(after, `${name} ended by itself${code === null ? "" : ` (exit code ${code})`}: ${complaint}`)
}

/** Does to a process what an act does to its server. */
const toProcess = (process: Processes.Process, kind: Model.Kind): Effect.Effect<void> => {
  switch (kind) {
    case "Killed":
      return Effect.sync(() => process.signal("SIGKILL"))
    case "Stopped":
      return Effect.andThen(process.thaw, Effect.sync(() => process.signal("SIGTERM")))
    case "Frozen":
      return process.freeze
    case "Thawed":
      return process.thaw
    case "CutOff":
      return Effect.sync(() => process.tell({ order: "CutOff" }))
    case "Healed":
      return Effect.sync(() => process.tell({ order: "Heal" }))
    default:
      return Effect.void
  }
}
