/**
 * Rules between settings, each of which is allowed by itself.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as DurationText from "./DurationText.ts"
import * as Loopback from "./Loopback.ts"
import type { settings } from "./SettingList.ts"
import type { Key } from "./SettingName.ts"

/**
 * All settings, each read and checked. `name` is undefined where the host name is to be used.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = { readonly [K in Key]: (typeof settings)[K]["code"]["Type"] }

/**
 * The allowed values, for the refusal of a list of keys that seals nothing.
 *
 * @category models
 * @since 0.1.0
 */
export const plainOnlyIfPermissive =
  `a list that does not begin with the word ${KeyRing.plainWord}, unless keyMode is permissive`

/**
 * One rule: whether it is broken, and what would be allowed instead for each setting that has a part in it.
 *
 * @category models
 * @since 0.1.0
 */
export type Rule = (
  settings: Settings
) => { readonly broken: boolean; readonly allowed: { readonly [K in Key]?: string } }

/**
 * The rules between settings.
 *
 * @category models
 * @since 0.1.0
 */
export const rules: ReadonlyArray<Rule> = [
  ({ heartbeatInterval, memberTimeout, profile }) => ({
    broken: !Duration.isGreaterThan(memberTimeout, Duration.times(heartbeatInterval, 2)),
    allowed: {
      memberTimeout:
        `more than twice heartbeatInterval, which is ${DurationText.format(heartbeatInterval)} (profile ${profile}): `
        + "one lost heartbeat must not look like a death",
      heartbeatInterval:
        `less than half of memberTimeout, which is ${DurationText.format(memberTimeout)} (profile ${profile}): `
        + "one lost heartbeat must not look like a death"
    }
  }),
  ({ key, keyFile }) => ({
    broken: key !== undefined && keyFile !== undefined,
    allowed: { key: "key or keyFile, not both", keyFile: "key or keyFile, not both" }
  }),
  ({ key, keyFile, keyMode }) => ({
    broken: keyMode === "permissive" && key === undefined && keyFile === undefined,
    allowed: { keyMode: "enforce, or permissive together with key or keyFile" }
  }),
  ({ key, keyMode }) => ({
    broken: keyMode === "enforce" && key?.active === null,
    allowed: { key: plainOnlyIfPermissive }
  }),
  ({ multicast, seeds, unicastPort }) => ({
    broken: !multicast && seeds.length === 0 && unicastPort === 0,
    allowed: {
      multicast: "on, unless there are seeds or a unicastPort by which others name this server as theirs: nobody would "
        + "be found"
    }
  }),
  ({ groupSize, leadership }) => ({
    broken: leadership === "lease" && groupSize === undefined,
    allowed: {
      leadership: "bully, or lease with groupSize: a majority is one of all servers, and their number is not known"
    }
  }),
  ({ groupSize, leadership }) => ({
    broken: leadership === "bully" && groupSize !== undefined,
    allowed: { groupSize: "none, or any with leadership lease: it does not make a majority of a bully's group" }
  }),
  ({ leadership, votes }) => ({
    broken: leadership === "bully" && !votes,
    allowed: { votes: "on, or off with leadership lease: a bully's group has no votes" }
  }),
  ({ groupSize, leadership, minimumMembers }) => ({
    broken: leadership === "lease" && groupSize !== undefined && minimumMembers > groupSize,
    allowed: {
      minimumMembers: `at most groupSize, which is ${groupSize}: nobody would ever lead`,
      groupSize: `at least minimumMembers, which is ${minimumMembers}: nobody would ever lead`
    }
  }),
  ({ maxMembers, minimumMembers }) => ({
    broken: minimumMembers > maxMembers + 1,
    allowed: {
      minimumMembers: `at most maxMembers and one more, which is ${maxMembers + 1}: nobody would ever lead`,
      maxMembers: `at least minimumMembers without this server, which is ${minimumMembers - 1}: nobody would ever lead`
    }
  }),
  ({ groupSize = 0, maxMembers }) => ({
    broken: groupSize > maxMembers + 1,
    allowed: {
      groupSize: `at most maxMembers and one more, which is ${maxMembers + 1}: some would be in no view`,
      maxMembers: `at least groupSize without this server, which is ${groupSize - 1}: some would be in no view`
    }
  }),
  ({ leadership, leaseDuration, stopTimeout }) => ({
    broken: leadership === "lease" && leaseDuration !== undefined
      && Duration.isLessThan(leaseDuration, Duration.times(stopTimeout, 3)),
    allowed: {
      leaseDuration: `at least 3 x stopTimeout, which is ${DurationText.format(stopTimeout)}: `
        + "work is ended that long before the lease is over, and beats may be lost before",
      stopTimeout: `at most a third of leaseDuration, which is ${leaseDuration && DurationText.format(leaseDuration)}: `
        + "work is ended that long before the lease is over, and beats may be lost before"
    }
  }),
  ({ http, httpHosts, httpToken, httpTokenFile }) => ({
    broken: http !== undefined && httpToken === undefined && httpTokenFile === undefined &&
      (httpHosts.length > 0 || !Loopback.isLoopback(http.host)),
    allowed: {
      http:
        "a loopback address, such as 127.0.0.1:7780, or any with httpToken or httpTokenFile: others could look and change",
      httpHosts: "none, or any with httpToken or httpTokenFile: others than this host could look"
    }
  }),
  ({ httpToken, httpTokenFile }) => ({
    broken: httpToken !== undefined && httpTokenFile !== undefined,
    allowed: {
      httpToken: "httpToken or httpTokenFile, not both",
      httpTokenFile: "httpToken or httpTokenFile, not both"
    }
  }),
  ({ port, unicastPort }) => ({
    broken: unicastPort === port,
    allowed: {
      unicastPort: `any but the group's port, which is ${port}: all servers on a host share that one`,
      port: `any but unicastPort, which is ${unicastPort}: all servers on a host share the group's port`
    }
  })
]
