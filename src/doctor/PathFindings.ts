/**
 * What is found of the paths between this host and servers, by multicast and by unicast, each way.
 */
import * as Text from "../status/Text.ts"
import {
  fadedAfter,
  intervalOf,
  isDeaf,
  isMute,
  isUnheard,
  leaderOf,
  leaderships,
  muteOf,
  probesWanted
} from "./Facts.ts"
import type { Finding } from "./Finding.ts"
import type { Observations, Server } from "./Observations.ts"
import { all, note, one, problem, server } from "./Wording.ts"

/** Servers that answer and are not heard by multicast: since longer than a heartbeat, or not for long enough to say so. */
export const notHeard = (seen: Observations): ReadonlyArray<Finding> => {
  const silent = answeringOf(seen).filter(({ multicast }) => multicast === null && seen.multicast)
  const isDue = (one: Server) => seen.lasted - (one.answered?.first ?? 0) >= 1.2 * intervalOf(seen, one)
  return [...ofOneWay(seen, silent.filter(isDue)), ...ofEarly(seen, silent.filter((one) => !isDue(one)))]
}

/** Servers that were heard by multicast at first, and answer still. */
export const faded = (seen: Observations): ReadonlyArray<Finding> => {
  const faded = answeringOf(seen).filter((one) =>
    one.multicast !== null && one.answered !== null
    && one.answered.last - one.multicast.last > 3 * intervalOf(seen, one)
  )
  return faded.length === 0 ? [] : [problem(
    "MulticastFaded",
    faded.map(server),
    `${all(faded.map(server))} ${one(faded, "was", "were")} heard by multicast at first, then no more, and still ${
      one(faded, "answers", "answer")
    } by unicast.`,
    "A switch forgot that this host is in the group: IGMP snooping without a querier. Enable an IGMP querier on the switch "
      + "or router, or turn snooping off for this network."
  )]
}

/** Whether the leader hears what this host multicasts. */
export const unheardThere = (seen: Observations): ReadonlyArray<Finding> => {
  const leader = leaderOf(seen)
  if (leader === undefined || !isUnheard(seen)) return []
  const { asked, lastAnswer, unanswered } = seen.questions
  const isStill =
    "What this host multicasts does not arrive there: look at outgoing rules of its firewall, at ttl, and at "
    + "the switch between."
  if (lastAnswer === null) {
    return asked < probesWanted ? [] : [problem(
      "MulticastUnheard",
      [server(leader)],
      `The leader ${
        server(leader)
      } answers by unicast, but none of ${asked} questions that were multicast to the group.`,
      isStill
    )]
  }
  // Who has just died answers nothing at all, who leads since then was not asked by those questions, and a few may be lost
  // by chance in a long time.
  const since = Math.max(lastAnswer, leaderships(seen)[0]?.since ?? 0) + fadedAfter
  return unanswered < fadedProbes || (leader.answered?.last ?? 0) <= since ? [] : [problem(
    "OutgoingFaded",
    [server(leader)],
    `What this host multicasts to the group was answered at first; of late, the leader ${
      server(leader)
    } answers by unicast, but nobody the last ${unanswered} questions that were multicast.`,
    `${isStill} A switch that snoops IGMP without a querier forgets after minutes who is in the group: enable a querier.`
  )]
}

/** Servers that are heard by multicast and do not answer. */
export const noUnicast = (seen: Observations): ReadonlyArray<Finding> => {
  // What is known better is not told twice.
  const mute = isMute(seen) ? [] : muteOf(seen).filter((one) => !isDeaf(seen, one))
  // In a keyed group, who does not answer by unicast cannot prove that it lives, and is not heard by multicast either.
  const unproven = [...new Set(seen.strangers.filter(({ reason }) => reason === "Unproven").map(({ ip }) => ip))]
    .filter((ip) => !answeringOf(seen).some((one) => one.ip === ip))
  const silentOnes = [...mute.map(server), ...unproven]
  return silentOnes.length === 0 ? [] : [problem(
    "NoUnicast",
    silentOnes,
    `${all(silentOnes)} ${one(silentOnes, "is", "are")} heard by multicast, but ${
      one(silentOnes, "does", "do")
    } not answer by unicast.`,
    "A firewall stops UDP to the servers' own ports, there or here. Allow it; with --unicast-port the port is always the same."
  )]
}

/** Servers that others list, and that are not there for this host. */
export const notReached = (seen: Observations): ReadonlyArray<Finding> => {
  const unreached = seen.servers.filter(({ answered, asked, listed, multicast }) =>
    listed && multicast === null && answered === null && asked >= probesWanted
  )
  return unreached.length === 0 ? [] : [problem(
    "NotReached",
    unreached.map(server),
    `${all(unreached.map(server))} ${
      one(unreached, "is", "are")
    } in the list of another server, but not heard from here in any way.`,
    "It may have died a moment ago. If it lives, this host and that one do not reach each other: look at addresses, routes and firewalls."
  )]
}

// internal

// A tenth of all lost, each way: as many in a row are one in three thousand.
const fadedProbes = 5

const answeringOf = (seen: Observations) => seen.servers.filter(({ answered }) => answered !== null)

const ofOneWay = (seen: Observations, oneWay: ReadonlyArray<Server>): ReadonlyArray<Finding> => {
  if (oneWay.length === 0) return []
  const others = seen.servers.filter(({ local }) => !local)
  const isAll = others.length > 0 && others.every(({ multicast }) => multicast === null)
  // Beside seeds, multicast serves those whom it reaches.
  return [(seen.seeds.length > 0 ? note : problem)(
    "OneWay",
    oneWay.map(server),
    `${all(oneWay.map(server))} ${one(oneWay, "answers", "answer")} by unicast, but ${
      one(oneWay, "its", "their")
    } multicasts do not arrive here${isAll ? ", nor does anybody else's" : ", while others' do"}.`,
    isAll
      ? `Allow incoming UDP to ${seen.multicastAddress} port ${seen.port} on this host, and look at the switch or access point it is on: `
        + "IGMP snooping needs a querier. Meanwhile servers keep each other by unicast."
      : "Run doctor on that host: its own multicasts may not get out, or the switch port it is on filters them. "
        + "Meanwhile servers keep each other by unicast."
  )]
}

const ofEarly = (seen: Observations, early: ReadonlyArray<Server>): ReadonlyArray<Finding> =>
  early.length === 0 ? [] : [note(
    "NotHeardYet",
    early.map(server),
    `${all(early.map(server))} ${one(early, "answers", "answer")} by unicast and ${
      one(early, "was", "were")
    } not heard by multicast yet; a heartbeat comes every ${
      Text.age(Math.max(...early.map((one) => intervalOf(seen, one))))
    }.`,
    "Listen for longer (--timeout) to know whether their multicasts arrive."
  )]
