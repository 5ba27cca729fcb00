/** Findings about the group: whether anybody is there, whether seeds answer, whether ids are unique, and who leads. */
import * as Text from "../status/Text.ts"
import { all, type Finding, note, one, problem } from "./Finding.ts"
import { isLonely, type Server } from "./Observations.ts"
import {
  interfaceName,
  isLost,
  isOnNetwork,
  isTaken,
  leaderships,
  openOf,
  probesWanted,
  type Rule,
  server
} from "./Seen.ts"

// In ms: a server that still follows an older leader after this time has not merely been slow to hear of the newest.
const changeTime = 1_000

const company: Rule = (seen) => {
  if (openOf(seen).length === 0 || isTaken(seen)) return []
  const there = seen.servers.filter(({ answered, multicast }) => answered !== null || multicast !== null)
  const where = `group ${JSON.stringify(seen.group)}${
    seen.multicast ? ` on ${seen.multicastAddress}:${seen.port}` : ", by seeds alone,"
  }`
  if (
    there.length === 0 && seen.foreign.length === 0 && seen.multicast && openOf(seen).every(isLost) &&
    isOnNetwork(seen)
  ) {
    return [problem(
      "NothingArrives",
      openOf(seen).map(interfaceName),
      `Nothing arrives at this host: no server was heard in ${
        Text.age(seen.lasted)
      }, none answers, and its own multicasts do not come back.`,
      `Allow incoming UDP to port ${seen.port} and to the servers' own ports (unicastPort) in the firewall of this host. What it sends `
        + "may arrive all the same: doctor on another host of the group says whether servers of this one are heard there."
    )]
  }
  if (there.length === 0) {
    return [problem(
      "Alone",
      [],
      `No server of ${where} was heard in ${Text.age(seen.lasted)}, and none answers.`,
      seen.multicast
        ? "Start one and look again. Where one runs: compare group, multicast address and port there, run doctor there too, and "
          + `see that no firewall stops UDP port ${seen.port} and no switch stops multicast between the hosts.`
        : "Start one of the seeds and look again. Where one runs: compare group and unicastPort there with --seeds, and see that no firewall stops UDP to it."
    )]
  }
  if (!isOnNetwork(seen) || there.some(({ local }) => !local)) return []
  return [(there.length === 1 ? problem : note)(
    "OnlyThisHost",
    there.map(server),
    `Only servers on this host were heard in ${Text.age(seen.lasted)}: ${all(there.map(server))}.`,
    "If others should be there, run doctor on one of their hosts. If it finds its own multicasts coming back as this one does, "
      + "the network between keeps them: an access point that isolates its clients, a switch that filters multicast, two networks."
  )]
}

const seeds: Rule = (seen) => {
  const weight = isLonely(seen) ? problem : note
  const lost = seen.seeds.filter(({ addresses }) => addresses.length === 0).map(({ seed }) => seed)
  const mute = seen.seeds.filter(({ addresses, answered, asked }) =>
    addresses.length > 0 && answered === null && asked >= probesWanted
  )
  const findings: Array<Finding> = []
  if (lost.length > 0) {
    findings.push(weight(
      "SeedUnresolved",
      lost,
      `${one(lost, "The seed", "The seeds")} ${all(lost)} ${
        one(lost, "resolves", "resolve")
      } to no address on this host.`,
      "Compare --seeds with what the name server says. Names are resolved again by themselves; one seed that lives is enough."
    ))
  }
  if (mute.length > 0) {
    const names = mute.map(({ addresses, seed }) => addresses.includes(seed) ? seed : `${seed} (${all(addresses)})`)
    findings.push(weight(
      "SeedSilent",
      mute.map(({ seed }) => seed),
      `${one(mute, "The seed", "The seeds")} ${all(names)} ${one(mute, "does", "do")} not answer.`,
      "See that a server of the group runs there with that unicastPort, that no firewall stops UDP to it, and, behind a router, that its --networks names that of this host. One seed that lives is enough."
    ))
  }
  return findings
}

const identities: Rule = (seen) =>
  seen.servers.flatMap((one) => {
    // After a restart the earlier start is heard no more. Two starts that are heard alternately are two servers.
    const duplicates = one.starts.filter((start) =>
      one.starts.some((other) =>
        other.incarnation !== start.incarnation && other.first <= start.last && start.first <= other.last
      )
    )
    return duplicates.length === 0 ? [] : [problem(
      "DuplicateIdentity",
      [...new Set(duplicates.map(({ address }) => address))],
      `Two servers use the node id ${one.id} at once: ${
        all([...new Set(duplicates.map(({ address, incarnation }) => `${address} (incarnation ${incarnation})`))])
      }.`,
      "Give each its own host name or --unicast-port. A copied virtual machine or container often has both in common."
    )]
  })

const leaders: Rule = (seen) => {
  const newest = leaderships(seen)[0]
  if (newest === undefined) return []
  // Until then, to follow another leader was right.
  const isLate = ({ answered, multicast }: Server) =>
    Math.max(answered?.last ?? 0, multicast?.last ?? 0) > newest.since + changeTime
  const named = new Map(
    seen.servers.flatMap((one) =>
      one.follows !== null && (one.follows.leader === newest.leader || isLate(one))
        ? [[one.follows.leader, one.follows.term] as const]
        : []
    )
  )
  if (named.size < 2) return []
  const names = [...named].map(([id, term]) =>
    `${seen.servers.find((one) => one.id === id)?.name ?? id} (term ${term})`
  )
  return [problem(
    "SeveralLeaders",
    [...named.keys()],
    `Not all servers name the same leader: ${all(names)}.`,
    "Look again in a moment: a change of leader takes an instant. If it stays, the servers do not all hear each other: run "
      + "doctor on the hosts of both."
  )]
}

/** All of them. */
export const rules: ReadonlyArray<Rule> = [seeds, company, identities, leaders]
