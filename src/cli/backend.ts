/** Which backend keeps the group: what a flag says, else the environment, else the LAN. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Setting from "../settings/Setting.ts"
import { SettingRefused, shown } from "../settings/SettingRefused.ts"
import type { Flags } from "./etcd/flags.ts"

/** The servers of a LAN among themselves, or etcd. */
export type Backend = "lan" | "etcd"

/** How it is said. */
export const setting: Setting.Setting<Backend> = Setting.choice<Backend>(["lan", "etcd"], {
  summary: "what keeps the group: the servers of a LAN among themselves, or etcd",
  default: () => "lan"
})

/** Its name in the environment. */
export const environment = "BELLWETHER_BACKEND"

interface Chosen {
  readonly backend: Backend
  /** By which name it was said. */
  readonly as: string
}

const chosen = Effect.fnUntraced(function*(flag: Option.Option<Backend>): Effect.fn.Return<Chosen, SettingRefused> {
  if (Option.isSome(flag)) return { backend: flag.value, as: "--backend" }
  const text = yield* Effect.orDie(Config.schema(Schema.UndefinedOr(Schema.String), [environment]))
  if (text === undefined) return { backend: setting.default("standard"), as: "--backend" }
  const read = Schema.decodeOption(setting.text)(text)
  if (Option.isSome(read)) return { backend: read.value, as: environment }
  return yield* new SettingRefused({
    setting: "backend",
    as: environment,
    was: shown(text),
    allowed: setting.allowed
  })
})

/** Which one it is. What is given of etcd and means nothing with another is refused. */
export const choose = Effect.fnUntraced(function*(
  flag: Option.Option<Backend>,
  etcd: Flags
): Effect.fn.Return<Backend, SettingRefused> {
  const { backend } = yield* chosen(flag)
  if (backend === "etcd" || Object.values(etcd).every(({ _tag }) => _tag === "None")) return backend
  const { refuseOnLan } = yield* Effect.promise(() => import("./etcd/flags.ts"))
  return yield* refuseOnLan(etcd)
})

/** Refuses what only the servers of a LAN can do, where the environment says that another backend keeps the group. */
export const refuseElsewhere = (command: string, instead: string): Effect.Effect<void, SettingRefused> =>
  Effect.flatMap(chosen(Option.none()), ({ as, backend }) =>
    backend === "lan" ? Effect.void : Effect.fail(
      new SettingRefused({ setting: "backend", as, was: backend, allowed: `lan for ${command}; ${instead}` })
    ))
