/** What a key means in a demo. Pure. */
import * as Model from "./model.ts"

export type Command =
  | { readonly _tag: "Quit" }
  | { readonly _tag: "Choose"; readonly name: string | null }
  | { readonly _tag: "View"; readonly name: string | null }
  | { readonly _tag: "Act"; readonly kind: Model.Kind; readonly target: string | null }
  | { readonly _tag: "Refused"; readonly why: string }

/** The keys, as the bottom of the screen shows them. */
export const shown: ReadonlyArray<readonly [key: string, what: string]> = [
  ["k", "kill -9"],
  ["s", "stop"],
  ["f", "freeze, thaw"],
  ["c", "cut off, heal"],
  ["n", "start one"],
  ["m", "bully, lease"],
  ["1-9", "choose"],
  ["l", "the leader"],
  ["v", "its view"],
  ["q", "quit"]
]

const actOn = (
  model: Model.Model,
  kindOf: (target: Model.Server) => Model.Kind
): Command => {
  const target = Model.targetOf(model)
  if (target === undefined) return { _tag: "Refused", why: "nobody leads now: choose a server by its number" }
  if (!Model.isThere(target)) return { _tag: "Refused", why: `${target.name} is gone: n starts it again` }
  return { _tag: "Act", kind: kindOf(target), target: target.name }
}

const startOne = ({ leadership, servers }: Model.Model): Command => {
  const gone = servers.find((server) => !Model.isThere(server))
  const name = gone?.name ?? Model.names[servers.length]
  if (name === undefined) return { _tag: "Refused", why: `there are ${servers.length} servers already` }
  // With a larger group than the servers know of, two majorities would be possible.
  if (gone === undefined && leadership === "lease") {
    return { _tag: "Refused", why: `with leases the group has ${servers.length} servers, by its settings` }
  }
  return { _tag: "Act", kind: "Started", target: name }
}

const chooseBy = (model: Model.Model, steps: number): Command => {
  const { servers } = model
  const at = servers.findIndex(({ name }) => name === Model.targetOf(model)?.name)
  const next = servers[(at + steps + servers.length) % servers.length]
  return { _tag: "Choose", name: next?.name ?? null }
}

/** What a key asks for; undefined where it means nothing. */
export const read = (model: Model.Model, key: string): Command | undefined => {
  switch (key) {
    case "q":
    case "ctrl-c":
    case "ctrl-d":
      return { _tag: "Quit" }
    case "l":
      return { _tag: "Choose", name: null }
    case "up":
      return chooseBy(model, -1)
    case "down":
      return chooseBy(model, 1)
    case "v":
      return { _tag: "View", name: Model.targetOf(model)?.name ?? null }
    case "k":
      return actOn(model, () => "Killed")
    case "s":
      return actOn(model, () => "Stopped")
    case "f":
      return actOn(model, ({ isFrozen }) => isFrozen ? "Thawed" : "Frozen")
    case "c":
      return actOn(model, ({ isCutOff }) => isCutOff ? "Healed" : "CutOff")
    case "n":
      return startOne(model)
    case "m":
      return { _tag: "Act", kind: model.leadership === "bully" ? "AllByLease" : "AllByBully", target: null }
    default: {
      const chosen = /^[1-9]$/.test(key) ? model.servers[Number(key) - 1] : undefined
      return chosen === undefined ? undefined : { _tag: "Choose", name: chosen.name }
    }
  }
}
