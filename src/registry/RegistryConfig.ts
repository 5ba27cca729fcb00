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

/** The name of one in the environment. One that the LAN has too, as `leaseDuration`, has that name. */
const nameOf = (registry: string, key: string): string =>
  Object.hasOwn(settings, key) ? environmentName(key as Key) : environmentName(`${registry}_${key}` as Key)

interface Given {
  readonly key: string
  readonly as: string
  readonly text: string
  readonly setting: Setting<unknown, unknown> | undefined
}

const textAt = (name: string) => Config.schema(Schema.UndefinedOr(Schema.String), [name])

const valueOf = ({ as, key, setting, text }: Given): Effect.Effect<readonly [string, unknown], Config.ConfigError> => {
  if (setting === undefined) return Effect.succeed([key, text])
  return Option.match(Schema.decodeOption(setting.text)(text), {
    onSome: (value): Effect.Effect<readonly [string, unknown], Config.ConfigError> => Effect.succeed([key, value]),
    onNone: () => {
      const was = setting.isSecret === true ? notShown : shown(text)
      return Configured.failed(new SettingRefused({ setting: key, as, was, allowed: setting.allowed }))
    }
  })
}

/**
 * The options that are given, as code gives them. Entries that are no setting are passed over with a warning, those of the LAN that
 * mean nothing here without one: the same environment may serve both.
 */
export const make = (registry: string, own: Own): Config.Config<Readonly<Record<string, unknown>>> => {
  const names = new Map(Object.keys(own).map((key) => [key, nameOf(registry, key)]))
  const advertise = environmentName("advertise" as Key)
  return Config.all({
    configured: Configured.configured,
    advertise: textAt(advertise),
    texts: Config.all(Object.fromEntries([...names].map(([key, name]) => [key, textAt(name)])))
  }).pipe(Config.mapEffect(Effect.fnUntraced(function*({ configured: { given, passedOver }, texts, ...others }) {
    // Those below the registry's name may be meant for a part that is not here, such as the files of TLS.
    const isOurs = (line: string) => line.startsWith(`${advertise} `) || line.startsWith(nameOf(registry, ""))
    yield* Effect.forEach(passedOver.filter((line) => !isOurs(line)), (line) => Effect.logWarning(line))
    const all: Array<Given> = RegistryOptions.keys.flatMap((key) => {
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
    return Object.fromEntries(yield* Effect.forEach(all, valueOf))
  })))
}
