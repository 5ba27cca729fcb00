/** The settings from flags, the environment and defaults. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Name from "../protocol/model/Name.ts"
import * as Keys from "../server/Keys.ts"
import * as Configured from "../settings/Configured.ts"
import type * as Reading from "../settings/Reading.ts"
import { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as Token from "../status/http/Token.ts"
import { absent } from "../transport/interfaces/Choice.ts"
import { Interfaces } from "../transport/interfaces/Interfaces.ts"
import { familyOf } from "../transport/interfaces/SystemInterface.ts"
import * as Output from "./output.ts"

/** What a command was given for some settings. */
export type Given = { readonly [K in Settings.Key]?: Option.Option<Settings.Settings[K]> }

/** The settings: a flag before the environment before the default. No socket is opened. */
export const resolve = (flags: Given) => Effect.flatMap(givenBy(flags), resolved)

const resolved = Effect.fnUntraced(function*(given: Configured.Configured["given"]) {
  const settings = yield* read(given)
  const { scan } = yield* Interfaces
  // What the system does not tell is judged when a socket is opened there.
  const system = yield* Effect.option(scan)
  if (Option.isNone(system)) return settings
  const families = settings.multicastAddress.map(({ family }) => family)
  const [missing] = absent({ system: system.value, named: settings.interfaces, families })
  if (missing === undefined) return settings
  const fitting = system.value.addresses.filter(({ address }) => families.includes(familyOf(address)))
  return yield* new SettingRefused({
    setting: "interfaces",
    as: given.get("interfaces")?.as ?? "interfaces",
    was: Name.quoted(missing),
    allowed: `one that is up: ${fitting.map(({ address, name }) => `${name} (${address})`).join(", ")}`
  })
})

/** The same with the token that they name, if any. */
export const resolveToWatch = Effect.fnUntraced(function*(flags: Given) {
  const given = yield* givenBy(flags)
  const settings = yield* resolved(given)
  return { settings, token: yield* Effect.mapError(Token.named(settings), asGiven(given)) }
})

/** The same for a command that stays until it is stopped: an interface that is named and not there may come. */
export const resolveToStay = (flags: Given) => Effect.flatMap(givenBy(flags), read)

/** The same for a server, with the token of its page, if any. */
export const resolveToServe = Effect.fnUntraced(function*(flags: Given) {
  const given = yield* givenBy(flags)
  const settings = yield* read(given)
  const token = yield* Effect.mapError(Token.read(settings), asGiven(given))
  return { settings, token }
})

/** A refusal by the name under which the setting was given. */
export const asGiven =
  (given: ReadonlyMap<string, { readonly as: string }>) => ({ allowed, as, setting, was }: SettingRefused) =>
    new SettingRefused({ setting, as: given.get(setting)?.as ?? as, was, allowed })

const givenBy = Effect.fnUntraced(function*(flags: Given) {
  const configured = yield* Configured.fromProvider
  yield* Effect.forEach(configured.passedOver, Output.complain, { discard: true })
  const given = new Map<Settings.Key, Reading.Given>(configured.given)
  for (const key of Settings.keys) {
    const flag = flags[key]
    if (flag?._tag === "Some") given.set(key, { as: Settings.flagName(key), value: flag.value })
  }
  return given
})

const read = Effect.fnUntraced(function*(given: Configured.Configured["given"]) {
  const settings = yield* Effect.fromResult(Settings.read((key) => given.get(key)))
  // Read here already, to be refused by the name under which it was given.
  yield* Effect.mapError(Keys.ring(settings), asGiven(given))
  return settings
})
