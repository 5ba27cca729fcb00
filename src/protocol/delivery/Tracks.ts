/** Which indexes of a reign are missing here. */
import type { NodeId } from "../model/Member.ts"
import * as Kept from "./Kept.ts"
import * as Receiver from "./Receiver.ts"

const maxTracks = 4
const maxRuns = 256

export const loseIndexes = (host: Receiver.Host, { term }: Receiver.Track, from: number, to: number): void =>
  host.lose({ client: null, term, from, to })

/** The track of a reign, begun where there is none: after `begin`. Null where it is of a reign too old to be followed. */
export const trackOf = (host: Receiver.Host, term: number, leader: NodeId, begin: number): Receiver.Track | null => {
  const { tracks } = host.receiver
  const found = tracks.find((track) => track.term === term && track.leader === leader)
  if (found !== undefined) return found
  if (tracks.length > 0 && term < host.receiver.since) return null
  const last = tracks.length >= maxTracks ? tracks[tracks.length - 1] : undefined
  if (last !== undefined && term < last.term) return null
  for (const run of last?.missing ?? []) loseIndexes(host, last!, run.from, run.to)
  const track: Receiver.Track = { term, leader, newest: tracks.length > 0 ? 0 : begin, missing: [] }
  const rest = last === undefined ? tracks : tracks.slice(0, -1)
  const at = rest.findIndex((other) => other.term <= term)
  Receiver.change(host, {
    tracks: at < 0 ? [...rest, track] : rest.toSpliced(at, 0, track),
    since: tracks.length > 0 ? host.receiver.since : term
  })
  return track
}

export const putTrack = (host: Receiver.Host, track: Receiver.Track): void =>
  Receiver.change(host, {
    tracks: host.receiver.tracks.map((other) =>
      other.term === track.term && other.leader === track.leader ? track : other
    )
  })

/** All indexes below `newest` are missing that were not known of; those that nobody keeps any more are lost at once. */
export const reach = (host: Receiver.Host, track: Receiver.Track, newest: number, isHere: boolean): void => {
  const to = isHere ? newest - 1 : newest
  const missing = to > track.newest
    ? [...track.missing, { from: track.newest + 1, to, ask: Receiver.firstAsk(host) }]
    : [...track.missing]
  const gone = newest - Kept.limit
  while (missing.length > 0 && (missing[0]!.from <= gone || missing.length > maxRuns)) {
    const [run] = missing as [Receiver.Run]
    const end = missing.length > maxRuns ? run.to : Math.min(gone, run.to)
    loseIndexes(host, track, run.from, end)
    if (end === run.to) missing.shift()
    else missing[0] = { ...run, from: end + 1 }
  }
  putTrack(host, { ...track, newest, missing })
}

/** Takes one index out of the missing ones. Returns whether it was missing. */
export const fill = (host: Receiver.Host, track: Receiver.Track, index: number): boolean => {
  const at = track.missing.findIndex((run) => run.from <= index && index <= run.to)
  if (at < 0) return false
  const { ask, from, to } = track.missing[at]!
  const rest: Array<Receiver.Run> = []
  if (from < index) rest.push({ from, to: index - 1, ask })
  if (index < to) rest.push({ from: index + 1, to, ask })
  putTrack(host, { ...track, missing: track.missing.toSpliced(at, 1, ...rest) })
  return true
}

/** Up to which index nothing of a reign is missing. Of a reign that is not followed (any more), nothing will come. */
export const completeTo = (receiver: Receiver.Receiver, { leader, term }: Receiver.Delivered): number => {
  const track = receiver.tracks.find((track) => track.term === term && track.leader === leader)
  return track === undefined ? Infinity : (track.missing[0]?.from ?? track.newest + 1) - 1
}

/**
 * Somebody names the newest index of a reign. A receiver that has just begun begins after it; any other misses all up to
 * there that it has not heard.
 */
export const named = (host: Receiver.Host, term: number, leader: NodeId, newest: number): void => {
  const track = trackOf(host, term, leader, newest)
  if (track !== null && newest > track.newest) reach(host, track, newest, false)
}
