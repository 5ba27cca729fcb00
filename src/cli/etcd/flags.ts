/** The settings of etcd that the program has besides those of a LAN: by flag, by variable, and which of a LAN's mean nothing here. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as EtcdOptions from "../../etcd/EtcdOptions.ts"
import * as RegistryConfig from "../../registry/RegistryConfig.ts"
import * as RegistryOptions from "../../registry/RegistryOptions.ts"
import * as Setting from "../../settings/Setting.ts"
import { SettingRefused } from "../../settings/SettingRefused.ts"
import type * as Settings from "../../settings/Settings.ts"

const file = (summary: string) => Setting.text<undefined>(1_024, { summary, default: () => undefined })

const tls = {
  caFile: file("PEM file of the authorities that may have signed etcd's certificate"),
  certFile: file("PEM file of our certificate, where etcd asks for one"),
  keyFile: file("PEM file of its key")
}

/** The settings of etcd itself, as the environment has them below its name. */
export const own = { ...EtcdOptions.settings, ...tls }

const { endpoints, prefix, username } = EtcdOptions.settings

/** Those with a flag of their own: all but the password, which lists of processes would show, and what a LAN has too. */
export const settings = {
  endpoints,
  username,
  prefix,
  ...tls,
  advertise: Setting.text<undefined>(64, {
    summary: "IP address and port at which others reach what this server serves; members show it",
    default: () => undefined
  })
} as const

/** One of them. */
export type Key = keyof typeof settings

/** All of them. */
export const keys = Object.keys(settings) as ReadonlyArray<Key>

/** What a command was given for them. */
export type Flags = { readonly [K in Key]?: Option.Option<(typeof settings)[K]["code"]["Type"]> }

/** As a flag: where etcd is, and where this server is, need no prefix. */
export const flagName = (key: Key): string =>
  key === "endpoints" || key === "advertise"
    ? `--${key}`
    : `--etcd-${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** In the environment. */
export const environmentName = (key: string): string =>
  key === "advertise" ? "BELLWETHER_ADVERTISE" : RegistryConfig.nameOf("etcd", key)

/** What a server on a LAN and one in etcd have in common, besides the settings of their groups. */
export const http = ["http", "httpHosts", "httpToken", "httpTokenFile"] as const

/** The settings of a LAN that mean something here. */
export const shared: ReadonlyArray<Settings.Key> = [...RegistryOptions.keys, "leaseDuration", ...http]

/** Refuses what a command was given that means nothing in etcd. */
export const refuseInEtcd = (setting: string, as: string, allowed: string): Effect.Effect<never, SettingRefused> =>
  Effect.fail(new SettingRefused({ setting, as, was: "given with the backend etcd", allowed }))

/** Refuses the first of them, where the backend is the LAN. */
export const refuseOnLan = (flags: Flags): Effect.Effect<never, SettingRefused> => {
  const key = keys.find((key) => flags[key]?._tag === "Some") ?? "endpoints"
  return Effect.fail(
    new SettingRefused({
      setting: key,
      as: flagName(key),
      was: "given with the backend lan",
      allowed: "with --backend etcd"
    })
  )
}
