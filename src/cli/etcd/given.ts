/** The settings of a server or a question whose backend is etcd: a flag before the environment before the default. */
import * as Effect from "effect/Effect"
import { hostname } from "node:os"
import * as EtcdOptions from "../../etcd/EtcdOptions.ts"
import type * as NodeEtcd from "../../NodeEtcd.ts"
import * as RegistryConfig from "../../registry/RegistryConfig.ts"
import * as RegistryOptions from "../../registry/RegistryOptions.ts"
import * as Configured from "../../settings/Configured.ts"
import { SettingRefused } from "../../settings/SettingRefused.ts"
import * as Settings from "../../settings/Settings.ts"
import * as Given from "../given.ts"
import * as Output from "../output.ts"
import * as Flags from "./flags.ts"

/** All that is known of etcd, and of a server that is to be in it. */
export interface Resolved {
  readonly settings: Settings.Settings
  /** As `Etcd.make` takes them. */
  readonly options: NodeEtcd.Options
  readonly etcd: EtcdOptions.Read
  /** By the name under which it was given. */
  readonly asGiven: (refused: SettingRefused) => SettingRefused
}

type Values = Map<string, { readonly as: string; readonly value: unknown }>

const refuseLan = (flags: Given.Given): Effect.Effect<void, SettingRefused> => {
  const other = Settings.keys.find((key) => flags[key]?._tag === "Some" && !Flags.shared.includes(key))
  return other === undefined
    ? Effect.void
    : Flags.refuseInEtcd(other, Settings.flagName(other), "with the backend lan: it means nothing in etcd")
}

const valuesOf = Effect.fnUntraced(function*(flags: Given.Given, etcd: Flags.Flags) {
  const values: Values = new Map()
  for (const key of Flags.shared) {
    const flag = flags[key]
    if (flag?._tag === "Some") values.set(key, { as: Settings.flagName(key), value: flag.value })
  }
  for (const key of Flags.keys) {
    const flag = etcd[key]
    if (flag?._tag === "Some") values.set(key, { as: Flags.flagName(key), value: flag.value })
  }
  const shared = [...RegistryOptions.keys, ...Flags.http]
  const { given, passedOver } = yield* Configured.refusing(RegistryConfig.found("etcd", Flags.own, shared))
  yield* Effect.forEach(passedOver, Output.complain, { discard: true })
  for (const one of given) {
    if (!values.has(one.key)) values.set(one.key, { as: one.as, value: yield* RegistryConfig.valueOf(one) })
  }
  return values
})

/** Those of these keys that are given. */
const only = (values: Values, keys: ReadonlyArray<string>): Record<string, unknown> =>
  Object.fromEntries(keys.flatMap((key) => {
    const found = values.get(key)
    return found === undefined ? [] : [[key, found.value]]
  }))

/** Refuses the first thing that is wrong, before anything is asked. */
export const resolve = Effect.fnUntraced(function*(
  flags: Given.Given,
  etcd: Flags.Flags
): Effect.fn.Return<Resolved, SettingRefused> {
  yield* refuseLan(flags)
  const values = yield* valuesOf(flags, etcd)
  const asGiven = Given.asGiven(values)
  const options = {
    endpoints: [],
    hostname: hostname(),
    ...only(values, [...RegistryOptions.keys, ...EtcdOptions.keys, "advertise"])
  }
  const read = Effect.gen(function*() {
    const known = yield* EtcdOptions.read(options)
    const { settings } = yield* RegistryOptions.read(options, known.leaseDuration, EtcdOptions.keys)
    const { http, httpHosts, httpToken, httpTokenFile } = yield* Settings.make(only(values, Flags.http))
    return {
      settings: { ...settings, http, httpHosts, httpToken, httpTokenFile },
      options: { ...options, tls: only(values, ["caFile", "certFile", "keyFile"]) },
      etcd: known,
      asGiven
    }
  })
  return yield* Effect.mapError(read, (refused) =>
    refused.setting === "endpoints" && !values.has("endpoints")
      ? new SettingRefused({
        setting: "endpoints",
        as: Flags.flagName("endpoints"),
        was: "not given",
        allowed: `${refused.allowed}, here or in ${Flags.environmentName("endpoints")}`
      })
      : asGiven(refused))
})

/** Where etcd is, for the head of what is shown. */
export const where = ({ endpoints: [first, ...others] }: Pick<EtcdOptions.Read, "endpoints">): string =>
  others.length === 0 ? `in etcd at ${first}` : `in etcd at ${first} and ${others.length} more`
