/**
 * The settings of a server whose group a registry keeps: those of the LAN that mean something there, with the same meaning, and
 * where others may find it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as Ip from "../protocol/model/Ip.ts"
import type * as Member from "../protocol/model/Member.ts"
import * as DurationText from "../settings/DurationText.ts"
import * as Forms from "../settings/Forms.ts"
import { SettingRefused, shown } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"

/**
 * Settings as code gives them: those that are absent have their default. What a setting of that name means on the LAN it means here.
 */
export interface Options extends
  Pick<
    Settings.Options,
    | "group"
    | "name"
    | "priority"
    | "tags"
    | "profile"
    | "preempt"
    | "stableAfter"
    | "stopTimeout"
    | "clockDrift"
    | "maxMembers"
    | "eventHistory"
  >
{
  /**
   * Where others reach what this server serves: an address and a port, which its `Member` then has. Two servers of a group that
   * say the same are taken for one. Unset, the member has the address 0.0.0.0 and the port 1, which are nobody's.
   */
  readonly advertise?: string | undefined
  /** The name of the host, which the member has. */
  readonly hostname?: string | undefined
}

/** Those of the settings that mean something here. */
export const keys = [
  "group",
  "name",
  "priority",
  "tags",
  "profile",
  "preempt",
  "stableAfter",
  "stopTimeout",
  "clockDrift",
  "maxMembers",
  "eventHistory"
] as const satisfies ReadonlyArray<Settings.Key>

/**
 * Settings that were read.
 */
export interface Read {
  readonly settings: Settings.Settings
  readonly advertise: Member.Address | null
  readonly hostname: string
}

/**
 * Reads and checks the settings. A name that is none of these, nor one of `others`, is refused. `leaseDuration` is how long a session
 * of the registry lasts, as the setting of that name has it.
 */
export const read = Effect.fnUntraced(function*(
  options: Options,
  leaseDuration: Duration.Duration,
  others: ReadonlyArray<string> = []
): Effect.fn.Return<Read, SettingRefused> {
  const { advertise, hostname = "unknown" } = options
  yield* Spelling.refuseUnknown(options, [...keys, "advertise", "hostname", ...others])
  const given: Record<string, unknown> = { leaseDuration }
  for (const key of keys) if (options[key] !== undefined) given[key] = options[key]
  const settings = yield* Settings.make(given)
  if (Duration.isLessThan(leaseDuration, Duration.times(settings.stopTimeout, 3))) {
    return yield* new SettingRefused({
      setting: "stopTimeout",
      as: "stopTimeout",
      was: shown(settings.stopTimeout),
      allowed: `at most a third of leaseDuration, which is ${DurationText.format(leaseDuration)}: `
        + "work is ended that long before the lease is over, and renewals may be lost before"
    })
  }
  return {
    // What is sent at regular times is the renewal of the session: by that it is judged whether a server is well.
    settings: { ...settings, heartbeatInterval: Duration.times(leaseDuration, 1 / 6) },
    advertise: yield* placeOf(advertise),
    hostname
  }
})

const placeOf = (advertise: string | undefined): Effect.Effect<Member.Address | null, SettingRefused> => {
  if (advertise === undefined) return Effect.succeed(null)
  const place = Option.getOrUndefined(Forms.hostPort.parse(advertise))
  const ip = place === undefined ? undefined : Ip.canonical(Host.formatHost(place.host))
  return place === undefined || ip === undefined
    ? Effect.fail(
      new SettingRefused({
        setting: "advertise",
        as: "advertise",
        was: shown(advertise),
        allowed: "an IP address and a port, such as 192.0.2.1:8080"
      })
    )
    : Effect.succeed({ ip, port: place.port })
}
