/**
 * The settings that a `ConfigProvider` gives of a server whose group a registry keeps: those of the LAN by their own names
 * (`BELLWETHER_GROUP`), those of the registry below its name (`BELLWETHER_ETCD_ENDPOINTS`).
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Configured from "../settings/Configured.ts"
import type { Setting } from "../settings/Setting.ts"
import { settings } from "../settings/SettingList.ts"
import { environmentName, type Key } from "../settings/SettingName.ts"
import { notShown, SettingRefused, shown } from "../settings/SettingRefused.ts"
import * as RegistryOptions from "./RegistryOptions.ts"

/** The settings that a registry has besides, by key. */
type Own = Readonly<Record<string, Setting<unknown, unknown>>>

/** The name of one in the environment. One that means what it does on the LAN has that name; `keyFile` is another file there. */
export const nameOf = (registry: string, key: string): string =>
  environmentName((key === "leaseDuration" ? key : `${registry}_${key}`) as Key)

/** One that is given: by which name, and its text, which is read as the setting has it, if it is one that has a text of its own. */
export interface Given {
  readonly key: string
  readonly as: string
  readonly text: string
  readonly setting: Setting<unknown, unknown> | undefined
}

/** Those that are given, and a line for people on each entry that is no setting. */
export interface Found {
  readonly given: ReadonlyArray<Given>
  readonly passedOver: ReadonlyArray<string>
}

const textAt = (name: string) => Config.schema(Schema.UndefinedOr(Schema.String), [name])

/** Reads one. */
export const valueOf = ({ as, key, setting, text }: Given): Effect.Effect<unknown, SettingRefused> => {
  if (setting === undefined) return Effect.succeed(text)
  return Option.match(Schema.decodeOption(setting.text)(text), {
    onSome: Effect.succeed,
    onNone: () => {
      const was = setting.isSecret === true ? notShown : shown(text)
      return Effect.fail(new SettingRefused({ setting: key, as, was, allowed: setting.allowed }))
    }
  })
}

/**
 * All that is given of a registry's own, and of those that the LAN has too. Those of the LAN that mean nothing here are left out:
 * the same environment may serve both.
 */
export const found = (
  registry: string,
  own: Own,
  shared: ReadonlyArray<Key> = RegistryOptions.keys
): Config.Config<Found> => {
  const names = new Map(Object.keys(own).map((key) => [key, nameOf(registry, key)]))
  const advertise = environmentName("advertise" as Key)
  return Config.all({
    configured: Configured.configured,
    advertise: textAt(advertise),
    texts: Config.all(Object.fromEntries([...names].map(([key, name]) => [key, textAt(name)])))
  }).pipe(Config.map(({ configured: { given, passedOver }, texts, ...others }) => {
    const all: Array<Given> = shared.flatMap((key) => {
      const found = given.get(key)
      return found !== undefined && "text" in found
        ? [{ key, as: found.as, text: found.text, setting: settings[key] }]
        : []
    })
    if (others.advertise !== undefined) {
      all.push({ key: "advertise", as: advertise, text: others.advertise, setting: undefined })
    }
    for (const [key, as] of names) {
      const text = texts[key]
      if (text !== undefined) all.push({ key, as, text, setting: own[key] })
    }
    return { given: all, passedOver }
  }))
}

/** The options that are given, as code gives them. Entries that are no setting are passed over with a warning. */
export const make = (registry: string, own: Own): Config.Config<Readonly<Record<string, unknown>>> =>
  Config.mapEffect(
    found(registry, own),
    ({ given, passedOver }) =>
      Effect.forEach(passedOver, (line) => Effect.logWarning(line), { discard: true }).pipe(
        Effect.andThen(
          Effect.forEach(given, (one) => Effect.map(valueOf(one), (value) => [one.key, value] as const))
        ),
        Effect.map(Object.fromEntries),
        Effect.catch(Configured.failed)
      )
  )
