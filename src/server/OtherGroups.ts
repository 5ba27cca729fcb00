/**
 * Groups of other names on our address and port. Their datagrams are dropped, as they should be; that they come all the time
 * is told, since it may be a group that was meant to be ours, with its name misspelt.
 */
import * as Duration from "effect/Duration"
import * as Member from "../protocol/model/Member.ts"

/**
 * Another group that is heard all the time: its tag as eight hex digits, where its last datagram came from, and how many
 * there were since it was last told.
 */
export interface OtherGroup {
  readonly tag: string
  readonly from: string
  readonly count: number
}

/** The other groups that are heard. `now` is ms on a clock that never steps. */
export interface OtherGroups {
  readonly hear: (tag: string, from: Member.Address, now: number) => void
  /** Those that are to be told now: once a group is heard all the time, then once an hour as long as it is. */
  readonly due: (now: number) => ReadonlyArray<OtherGroup>
}

interface Heard {
  from: Member.Address
  count: number
  readonly since: number
  last: number
  /** In how many different seconds. */
  seconds: number
  toldAt: number
}

/** More groups than that share no port for a good reason: then the one not heard for the longest is forgotten. */
const maxGroups = 16
/**
 * A program that only asks another group something is heard for a moment; a group that is silent for this long counts as a
 * new one.
 */
const wantedSeconds = 4
const wantedHeartbeats = 3
const forgottenAfter = Duration.toMillis(Duration.minutes(1))
const tellAgain = Duration.toMillis(Duration.hours(1))

/** Nothing heard yet. A group is heard all the time from the third of our own heartbeat intervals on. */
export const make = (heartbeatInterval: Duration.Duration): OtherGroups => {
  // The one heard last comes last.
  const all = new Map<string, Heard>()
  const wanted = wantedHeartbeats * Duration.toMillis(heartbeatInterval)
  return {
    hear: (tag, from, now) => {
      const known = all.get(tag)
      const isNew = known === undefined || now - known.last > forgottenAfter
      const heard = isNew
        ? { from, count: 0, since: now, last: -Infinity, seconds: 0, toldAt: known?.toldAt ?? -Infinity }
        : known
      if (Math.floor(now / 1_000) !== Math.floor(heard.last / 1_000)) heard.seconds += 1
      heard.from = from
      heard.count += 1
      heard.last = now
      all.delete(tag)
      all.set(tag, heard)
      if (all.size > maxGroups) all.delete(all.keys().next().value!)
    },
    due: (now) => {
      const due: Array<OtherGroup> = []
      for (const [tag, heard] of all) {
        const isSteady = heard.seconds >= wantedSeconds && heard.last - heard.since >= wanted
        if (!isSteady || heard.count === 0 || now - heard.toldAt < tellAgain) continue
        due.push({ tag, from: Member.formatAddress(heard.from), count: heard.count })
        heard.toldAt = now
        heard.count = 0
      }
      return due
    }
  }
}
