/** Findings about links of servers that are there: missing one way, or missing only by multicast or only by unicast. */
import * as Text from "../status/Text.ts"
import { all, type Finding, note, one, problem } from "./Finding.ts"
import type { Observations, Server } from "./Observations.ts"
import { intervalOf, isUnheard, leaderOf, leaderships, probesWanted, type Rule, server } from "./Seen.ts"

const fadedAfter = 12_000
// Where a tenth of all datagrams is lost each way, so many in a row are lost once in three thousand times.
const fadedProbes = 5

/** One that has just restarted refuses for a moment. */
const triesWanted = 2

/** Whether no further try would say more of the port for crash links of a server. */
export const isTried = ({ last, tried }: NonNullable<Server["links"]>): boolean =>
  last !== null && (tried >= triesWanted || (last !== "Refused" && last !== "Unanswered"))

/** Servers that are heard by multicast and have answered no question. */
const muteOf = (seen: Observations): ReadonlyArray<Server> =>
  seen.servers.filter(({ answered, asked, multicast }) =>
    multicast !== null && answered === null && asked >= probesWanted
  )

/** Whether several other hosts are heard, and none of them answers. */
const isMute = (seen: Observations): boolean => {
  const others = seen.servers.filter(({ local }) => !local)
  const hosts = new Set(others.map(({ ip }) => ip))
  return hosts.size > 1 && seen.questions.lastAnswer === null && muteOf(seen).length === others.length
    && seen.servers.every(({ answered, local }) => local || answered === null) &&
    !others.every(({ alone }) => alone === true)
}

/** Whether a server hears nobody: it sees no other server although there are some, and answers nothing. */
const isDeaf = (seen: Observations, one: Server): boolean =>
  one.alone === true && muteOf(seen).includes(one)
  && seen.servers.some((other) => other !== one && other.answered !== null)

const nobodyHears: Rule = (seen) => {
  const others = seen.servers.filter(({ local }) => !local)
  if (!isMute(seen)) return []
  return [problem(
    "NobodyHears",
    others.map(server),
    `${
      all(others.map(server))
    } are heard by multicast, and none of them answers anything: what this host sends arrives nowhere, or what is sent to it alone does not get in.`,
    "Look at the firewall of this host: outgoing UDP first, then incoming UDP to the servers' own ports. If it is open, look at the "
      + "switch or access point that it is on. Doctor on one of those hosts says whether servers of this one are heard there."
  )]
}

const hearsNobody: Rule = (seen) => {
  const deaf = seen.servers.filter((one) => isDeaf(seen, one))
  if (deaf.length === 0) return []
  return [problem(
    "HearsNobody",
    deaf.map(server),
    `${all(deaf.map(server))} ${one(deaf, "is", "are")} heard, but ${one(deaf, "sees", "see")} no other server and ${
      one(deaf, "answers", "answer")
    } nothing: what is sent to ${one(deaf, "it", "them")} does not get in.`,
    `Allow incoming UDP to port ${seen.port} and to the server's own port (unicastPort) in the firewall of that host.`
  )]
}

const linkMissing: Rule = (seen) => {
  const findings: Array<Finding> = []
  const isHere = (one: Server) =>
    Math.max(one.answered?.last ?? -Infinity, one.multicast?.last ?? -Infinity) >
      seen.lasted - 2 * intervalOf(seen, one)
  for (const by of seen.servers) {
    const missed = seen.servers.filter((other) => by.unheard?.includes(other.id) === true && isHere(other))
    if (missed.length === 0 || !isHere(by)) continue
    findings.push(problem(
      "LinkMissing",
      [by, ...missed].map(server),
      `${server(by)} does not hear ${all(missed.map(server))}, and both are heard here: nothing gets from there to it.`,
      "Run doctor on both hosts. Look at the firewalls of both, and at what is between them: a switch port, an access point that "
        + "isolates its clients."
    ))
  }
  return findings
}

const answeringOf = (seen: Observations) => seen.servers.filter(({ answered }) => answered !== null)

/** Servers that answer and were not heard by multicast, of which a heartbeat was due, or was not. */
const unheardOf = (seen: Observations, isDue: boolean) =>
  answeringOf(seen).filter((one) =>
    seen.multicast && one.multicast === null &&
    isDue === (seen.lasted - (one.answered?.first ?? 0) >= 1.2 * intervalOf(seen, one))
  )

const oneWay: Rule = (seen) => {
  const others = seen.servers.filter(({ local }) => !local)
  const oneWay = unheardOf(seen, true)
  if (oneWay.length === 0) return []
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

const notHeardYet: Rule = (seen) => {
  const early = unheardOf(seen, false)
  if (early.length === 0) return []
  return [note(
    "NotHeardYet",
    early.map(server),
    `${all(early.map(server))} ${one(early, "answers", "answer")} by unicast and ${
      one(early, "was", "were")
    } not heard by multicast yet; a heartbeat comes every ${
      Text.age(Math.max(...early.map((one) => intervalOf(seen, one))))
    }.`,
    "Listen for longer (--timeout) to know whether their multicasts arrive."
  )]
}

const multicastFaded: Rule = (seen) => {
  const faded = answeringOf(seen).filter((one) =>
    one.multicast !== null && one.answered !== null
    && one.answered.last - one.multicast.last > 3 * intervalOf(seen, one)
  )
  if (faded.length === 0) return []
  return [problem(
    "MulticastFaded",
    faded.map(server),
    `${all(faded.map(server))} ${one(faded, "was", "were")} heard by multicast at first, then no more, and still ${
      one(faded, "answers", "answer")
    } by unicast.`,
    "A switch forgot that this host is in the group: IGMP snooping without a querier. Enable an IGMP querier on the switch "
      + "or router, or turn snooping off for this network."
  )]
}

const ownMulticastUnheard: Rule = (seen) => {
  const findings: Array<Finding> = []
  const leader = leaderOf(seen)
  if (leader === undefined || !isUnheard(seen)) return []
  const { asked, lastAnswer, unanswered } = seen.questions
  const isStill =
    "What this host multicasts does not arrive there: look at outgoing rules of its firewall, at ttl, and at "
    + "the switch between."
  if (lastAnswer === null && asked >= probesWanted) {
    findings.push(problem(
      "MulticastUnheard",
      [server(leader)],
      `The leader ${
        server(leader)
      } answers by unicast, but none of ${asked} questions that were multicast to the group.`,
      isStill
    ))
  }
  // Three innocent causes are left out: the leader has just died, the questions were asked before it led, and a few were
  // lost by chance.
  const since = lastAnswer === null ? Infinity : Math.max(lastAnswer, leaderships(seen)[0]?.since ?? 0) + fadedAfter
  if (unanswered >= fadedProbes && (leader.answered?.last ?? 0) > since) {
    findings.push(problem(
      "OutgoingFaded",
      [server(leader)],
      `What this host multicasts to the group was answered at first; of late, the leader ${
        server(leader)
      } answers by unicast, but nobody the last ${unanswered} questions that were multicast.`,
      `${isStill} A switch that snoops IGMP without a querier forgets after minutes who is in the group: enable a querier.`
    ))
  }
  return findings
}

const noUnicast: Rule = (seen) => {
  // `NobodyHears` and `HearsNobody` say more.
  const mute = isMute(seen) ? [] : muteOf(seen).filter((one) => !isDeaf(seen, one))
  // In a group with a key, a server that does not answer by unicast stays unauthenticated: its multicasts are dropped.
  const unauthenticated = [
    ...new Set(seen.foreign.filter(({ reason }) => reason === "Unauthenticated").map(({ ip }) => ip))
  ]
    .filter((ip) => !answeringOf(seen).some((one) => one.ip === ip))
  const silentOnes = [...mute.map(server), ...unauthenticated]
  if (silentOnes.length === 0) return []
  return [problem(
    "NoUnicast",
    silentOnes,
    `${all(silentOnes)} ${one(silentOnes, "is", "are")} heard by multicast, but ${
      one(silentOnes, "does", "do")
    } not answer by unicast.`,
    "A firewall stops UDP to the servers' own ports, there or here. Allow it; with --unicast-port the port is always the same."
  )]
}

const notReached: Rule = (seen) => {
  const unreached = seen.servers.filter(({ answered, asked, listed, multicast }) =>
    listed && multicast === null && answered === null && asked >= probesWanted
  )
  if (unreached.length === 0) return []
  return [problem(
    "NotReached",
    unreached.map(server),
    `${all(unreached.map(server))} ${
      one(unreached, "is", "are")
    } in the list of another server, but not heard from here in any way.`,
    "It may have died a moment ago. If it lives, this host and that one do not reach each other: look at addresses, routes and firewalls."
  )]
}

const linksBlocked: Rule = (seen) => {
  const findings: Array<Finding> = []
  for (const by of ["Refused", "Unanswered"] as const) {
    const blocked = answeringOf(seen).filter(({ links }) => links !== undefined && links.last === by && isTried(links))
    if (blocked.length === 0) continue
    const ports = [...new Set(blocked.flatMap(({ links }) => links === undefined ? [] : [links.port]))]
    const whose = ports.length === 1 ? `port ${ports[0]}` : "the ports that they announce"
    findings.push(note(
      "LinksBlocked",
      blocked.map(server),
      `${all(blocked.map(server))} ${one(blocked, "answers", "answer")} by UDP, but ${
        by === "Refused" ? "a connection over TCP is refused" : "nothing answers a connection over TCP"
      } (${whose}): if ${one(blocked, "it crashes", "one of them crashes")}, that is known by missed heartbeats alone.`,
      "Allow TCP between the servers to the same ports as UDP; with --unicast-port the port is always the same. Without links "
        + "all else works; --links off closes the port."
    ))
  }
  return findings
}

/** All of them. */
export const rules: ReadonlyArray<Rule> = [
  nobodyHears,
  hearsNobody,
  linkMissing,
  oneWay,
  notHeardYet,
  multicastFaded,
  ownMulticastUnheard,
  noUnicast,
  notReached,
  linksBlocked
]
