/**
 * What observations mean: findings, each with what to do about it. Pure: the same observations give the same findings.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { formatAddress } from "../protocol/Member.ts"
import * as Text from "../status/Text.ts"
import { all, Finding, note, one, problem, sort } from "./Finding.ts"
import * as Strangers from "./ForeignTraffic.ts"
import { type Interface, isLonely, Observations, type Refusal, type Server } from "./Observations.ts"
import { intervalOf, isDeaf, isMute, links, muteOf, probesWanted, server } from "./ServerLinks.ts"

/**
 * What `doctor --json` prints: the findings, the problems first, and what they come from. `healthy` where none is a problem.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Report = Schema.Struct({
  healthy: Schema.Boolean,
  findings: Schema.Array(Finding),
  observations: Observations
})

/**
 * @category models
 * @since 0.1.0
 */
export type Report = typeof Report.Type

/**
 * The report on these observations.
 *
 * @category constructors
 * @since 0.1.0
 */
export const report = (observations: Observations): Report => {
  const findings = diagnose(observations)
  return { healthy: findings.every(({ severity }) => severity === "note"), findings, observations }
}

/**
 * The findings, problems before notes, each kind in the order of `Finding.Kind`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const diagnose = (seen: Observations): ReadonlyArray<Finding> => sort(rules.flatMap((rule) => rule(seen)))

/**
 * Whether longer listening would change nothing for the better: every probe comes back, and every server that is known is
 * heard both ways. Or nothing can be listened on at all.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSettled = (seen: Observations): boolean => {
  const chosen = seen.interfaces.filter(({ chosen }) => chosen)
  if (chosen.every(({ refusal }) => refusal !== null) || isTaken(seen)) return seen.lasted >= hopeless
  return seen.lasted >= shortest &&
    (!seen.multicast || chosen.every(({ echoed, refusal }) => refusal !== null || echoed > 0))
    && seen.servers.length > 0 &&
    seen.servers.every(({ answered, multicast }) => answered !== null && (multicast !== null || !seen.multicast))
    && leaderOf(seen) !== undefined && !isUnheard(seen)
    && new Set(leaderships(seen).map(({ leader }) => leader)).size === 1
}

/**
 * Whether some server answers but has not been heard by multicast yet: one lost heartbeat is no finding, so it is worth
 * listening for another.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSuspect = (seen: Observations): boolean =>
  seen.multicast && seen.servers.some(({ answered, multicast }) => answered !== null && multicast === null)

// internal

type Rule = (seen: Observations) => ReadonlyArray<Finding>

const shortest = 1_500
const hopeless = 500
const fadedAfter = 12_000
// Who follows another leader than the newest for longer than this has not just not heard of it.
const changeTime = 1_000
// A tenth of all lost, each way: as many in a row are one in three thousand.
const fadedProbes = 5

const nic = ({ address, name }: Interface) => `${name} (${address})`

const chosenOf = (seen: Observations) => seen.interfaces.filter(({ chosen }) => chosen)
const openOf = (seen: Observations) => chosenOf(seen).filter(({ refusal }) => refusal === null)
const isOnNetwork = (seen: Observations) => openOf(seen).some(({ internal }) => !internal)

/** The group's port cannot be had, so that nothing is heard; a server tries again until it can. */
const isTaken = (seen: Observations) =>
  [...chosenOf(seen).map(({ refusal }) => refusal), ...seen.refusals].some((refusal) =>
    refusal?.during === "open" && refusal.kind === "AddressInUse"
  ) && openOf(seen).every(({ echoed }) => echoed === 0)

/** What servers say of the lead, the newest term first, each at the time when it was first said. */
const leaderships = ({ servers }: Observations) =>
  servers.flatMap(({ follows }) => follows === null ? [] : [follows])
    .toSorted((one, other) => other.term - one.term || one.since - other.since)

const leaderOf = (seen: Observations): Server | undefined => {
  const [newest] = leaderships(seen)
  return seen.servers.find(({ id }) => id === newest?.leader)
}

/**
 * The leader answers what is asked of it alone, but nobody what all are asked: the leader, whoever it is, answers that. A
 * question that has just gone out may still be answered.
 */
const isUnheard = (seen: Observations): boolean => {
  const { answeredBy, unanswered } = seen.questions
  const isThere = (leaderOf(seen)?.answered ?? null) !== null
  return seen.multicast && isThere && (answeredBy.length === 0 || unanswered >= probesWanted)
}

// --- This host ---

const interfaces: Rule = (seen) => {
  if (seen.interfaces.length === 0) {
    return [problem(
      "NoInterface",
      [],
      "No network interface is up on this host.",
      "Bring one up (ip link, ip address). A server started now waits for one and joins when it comes."
    )]
  }
  const chosen = chosenOf(seen)
  if (chosen.length === 0) {
    return [problem(
      "NoInterface",
      seen.interfaces.map(nic),
      `None of the interfaces of this host is used: ${all(seen.interfaces.map(nic))}.`,
      "Compare --interfaces with their names and addresses."
    )]
  }
  const virtual = seen.interfaces.filter(({ why }) => why === "Virtual")
  return chosen.every(({ why }) => why === "OnlyLoopback")
    ? [problem(
      "OnlyLoopback",
      chosen.map(nic),
      `Only the loopback is used, so only servers on this host can be found.${
        virtual.length > 0
          ? ` Left out as ${one(virtual, "a bridge or tunnel", "bridges or tunnels")}: ${all(virtual.map(nic))}.`
          : ""
      }`,
      virtual.length > 0
        ? `Bring up a network, or name one of those that were left out: --interfaces ${virtual[0]?.name}.`
        : "Bring up a network interface (ip link, ip address)."
    )]
    : []
}

const holders = (seen: Observations, port: number): string => {
  if (seen.sockets === null) return "this system does not say by whom"
  const there = seen.sockets.filter((socket) => socket.port === port)
  const named = there.map(({ ip, owner, uid }) =>
    owner === null
      ? `a process of user ${uid} on ${ip} (root is told which)`
      : `${owner.command} (process ${owner.pid}) on ${ip}`
  )
  return named.length === 0 ? "it is not seen from here by whom" : `it is held by ${all([...new Set(named)])}`
}

const refusals: Rule = (seen) => {
  const refused = [...chosenOf(seen).flatMap(({ refusal }) => refusal === null ? [] : [refusal]), ...seen.refusals]
  const findings: Array<Finding> = []
  if (isTaken(seen)) {
    findings.push(problem(
      "PortTaken",
      [String(seen.port)],
      `UDP port ${seen.port} is taken by a socket that does not share it (EADDRINUSE); ${holders(seen, seen.port)}.`,
      "Stop that program, or give all servers of the group another --port. Servers of Bellwether share the port with each other."
    ))
  }
  const isOurs = (port: number) => seen.servers.some((one) => one.local && one.port === port)
  const taken = seen.unicastPort !== 0 && !isOurs(seen.unicastPort)
    && seen.sockets?.some(({ port }) => port === seen.unicastPort)
  if (taken === true) {
    findings.push(problem(
      "PortTaken",
      [String(seen.unicastPort)],
      `UDP port ${seen.unicastPort}, which unicastPort asks for, is taken by no server of this group; ${
        holders(seen, seen.unicastPort)
      }.`,
      "Stop that program, or choose another --unicast-port; 0 lets the system choose."
    ))
  }
  const others = new Map<string, Refusal>()
  for (const one of refused) {
    if (one.kind !== "AddressInUse") others.set(`${one.during} ${one.where} ${one.errno ?? one.kind}`, one)
  }
  for (const { during, errno, kind, where } of others.values()) {
    findings.push(problem(
      "Refused",
      [where],
      `The system refused to ${words[during]} on ${where}: ${errno ?? kind}.`,
      advice[errno ?? ""] ?? "Look at the log of the system for the cause; servers try again by themselves."
    ))
  }
  return findings
}

const words = {
  scan: "list the network interfaces",
  open: "open a socket",
  join: "join the multicast group",
  send: "send",
  receive: "receive"
} as const

const advice: { readonly [errno: string]: string } = {
  EACCES: "A firewall or a sandbox of this host forbids it: allow UDP for this program.",
  EPERM: "A firewall or a sandbox of this host forbids it: allow UDP for this program, also outgoing multicast.",
  ENODEV: "The interface knows no multicast, or has gone: name another with --interfaces.",
  EADDRNOTAVAIL: "The address has gone from the interface: look at ip address, and at what configures it.",
  ENETUNREACH: "No route leads to the multicast address: ip route add 224.0.0.0/4 dev INTERFACE.",
  EHOSTUNREACH: "No route leads there, or a firewall rejects it: look at ip route and the firewall.",
  ENETDOWN: "The interface is down: bring it up (ip link set INTERFACE up).",
  ENOBUFS: "The system is out of memory for sockets, or IGMP memberships: raise net.ipv4.igmp_max_memberships.",
  EINVAL: "The address does not fit the interface: an interface other than the loopback is needed for other hosts."
}

const ttl: Rule = (seen) =>
  seen.multicast && seen.ttl === 0 && isOnNetwork(seen)
    ? [(isLonely(seen) ? problem : note)(
      "TtlZero",
      [],
      "The ttl is 0: what this host multicasts does not leave it.",
      "Set --ttl 1 (the default) on every host."
    )]
    : []

const echoes: Rule = (seen) =>
  isTaken(seen) ? [] : openOf(seen).flatMap((one) => {
    if (isLost(one)) {
      return [problem(
        "OwnMulticastLost",
        [nic(one)],
        `None of ${one.sent} probes that were multicast out of ${nic(one)} came back to this host.`,
        `Allow incoming UDP to ${seen.multicastAddress} port ${seen.port} in the firewall of this host (nft list ruleset, iptables -L). `
          + "If it is open, the interface carries no multicast: name another with --interfaces."
      )]
    }
    return one.lastEcho !== null && one.lastSent !== null && one.lastSent - one.lastEcho > fadedAfter
      ? [problem(
        "OwnMulticastFaded",
        [nic(one)],
        `Probes multicast out of ${nic(one)} came back at first, but not in the last ${
          Text.age(seen.lasted - one.lastEcho)
        }.`,
        "Something changed on this host meanwhile: its firewall, or the interface (ip maddr shows whether the group is still joined)."
      )]
      : []
  })

const isLost = ({ echoed, sent }: Interface) => sent >= probesWanted && echoed === 0

// --- The group ---

const company: Rule = (seen) => {
  if (openOf(seen).length === 0 || isTaken(seen)) return []
  const there = seen.servers.filter(({ answered, multicast }) => answered !== null || multicast !== null)
  const where = `group ${JSON.stringify(seen.group)}${
    seen.multicast ? ` on ${seen.multicastAddress}:${seen.port}` : ", by seeds alone,"
  }`
  if (
    there.length === 0 && seen.strangers.length === 0 && seen.multicast && openOf(seen).every(isLost) &&
    isOnNetwork(seen)
  ) {
    return [problem(
      "NothingArrives",
      openOf(seen).map(nic),
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

const ways: Rule = (seen) => {
  const others = seen.servers.filter(({ local }) => !local)
  const answering = seen.servers.filter(({ answered }) => answered !== null)
  const silent = answering.filter(({ multicast }) => multicast === null && seen.multicast)
  const isDue = (one: Server) => seen.lasted - (one.answered?.first ?? 0) >= 1.2 * intervalOf(seen, one)
  const oneWay = silent.filter(isDue)
  const early = silent.filter((one) => !isDue(one))
  const findings: Array<Finding> = []
  if (oneWay.length > 0) {
    const isAll = others.length > 0 && others.every(({ multicast }) => multicast === null)
    // Beside seeds, multicast serves those whom it reaches.
    findings.push((seen.seeds.length > 0 ? note : problem)(
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
    ))
  }
  if (early.length > 0) {
    findings.push(note(
      "NotHeardYet",
      early.map(server),
      `${all(early.map(server))} ${one(early, "answers", "answer")} by unicast and ${
        one(early, "was", "were")
      } not heard by multicast yet; a heartbeat comes every ${
        Text.age(Math.max(...early.map((one) => intervalOf(seen, one))))
      }.`,
      "Listen for longer (--timeout) to know whether their multicasts arrive."
    ))
  }
  const faded = answering.filter((one) =>
    one.multicast !== null && one.answered !== null
    && one.answered.last - one.multicast.last > 3 * intervalOf(seen, one)
  )
  if (faded.length > 0) {
    findings.push(problem(
      "MulticastFaded",
      faded.map(server),
      `${all(faded.map(server))} ${one(faded, "was", "were")} heard by multicast at first, then no more, and still ${
        one(faded, "answers", "answer")
      } by unicast.`,
      "A switch forgot that this host is in the group: IGMP snooping without a querier. Enable an IGMP querier on the switch "
        + "or router, or turn snooping off for this network."
    ))
  }
  const leader = leaderOf(seen)
  if (leader !== undefined && isUnheard(seen)) {
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
    // Who has just died answers nothing at all; and a few may be lost by chance in a long time.
    const since = lastAnswer === null ? Infinity : lastAnswer + fadedAfter
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
  }
  // What is known better is not told twice.
  const mute = isMute(seen) ? [] : muteOf(seen).filter((one) => !isDeaf(seen, one))
  // In a keyed group, who does not answer by unicast cannot prove that it lives, and is not heard by multicast either.
  const unproven = [...new Set(seen.strangers.filter(({ reason }) => reason === "Unproven").map(({ ip }) => ip))]
    .filter((ip) => !answering.some((one) => one.ip === ip))
  const silentOnes = [...mute.map(server), ...unproven]
  if (silentOnes.length > 0) {
    findings.push(problem(
      "NoUnicast",
      silentOnes,
      `${all(silentOnes)} ${one(silentOnes, "is", "are")} heard by multicast, but ${
        one(silentOnes, "does", "do")
      } not answer by unicast.`,
      "A firewall stops UDP to the servers' own ports, there or here. Allow it; with --unicast-port the port is always the same."
    ))
  }
  const unreached = seen.servers.filter(({ answered, asked, listed, multicast }) =>
    listed && multicast === null && answered === null && asked >= probesWanted
  )
  if (unreached.length > 0) {
    findings.push(problem(
      "NotReached",
      unreached.map(server),
      `${all(unreached.map(server))} ${
        one(unreached, "is", "are")
      } in the list of another server, but not heard from here in any way.`,
      "It may have died a moment ago. If it lives, this host and that one do not reach each other: look at addresses, routes and firewalls."
    ))
  }
  return findings
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
    // A restart is one start after the other; two that speak by turns are two servers.
    const twins = one.starts.filter((start) =>
      one.starts.some((other) =>
        other.incarnation !== start.incarnation && other.first <= start.last && start.first <= other.last
      )
    )
    return twins.length === 0 ? [] : [problem(
      "DuplicateIdentity",
      [...new Set(twins.map(({ address }) => address))],
      `Two servers use the node id ${one.id} at once: ${
        all([...new Set(twins.map(({ address, incarnation }) => `${address} (incarnation ${incarnation})`))])
      }.`,
      "Give each its own host name or --unicast-port. A copied virtual machine or container often has both in common."
    )]
  })

const leaders: Rule = (seen) => {
  const newest = leaderships(seen)[0]
  if (newest === undefined) return []
  // Before the newest was heard of, or at the very moment, another was right.
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

// --- Room ---

const room: Rule = (seen) => {
  const { limit, wanted } = seen.receiveBuffer
  const dropping = (seen.sockets ?? []).filter(({ drops }) => drops > 0)
  const findings: Array<Finding> = []
  if (dropping.length > 0) {
    const by = dropping.map(({ drops, ip, owner, port }) =>
      `${owner === null ? "a process" : `${owner.command} (process ${owner.pid})`} lost ${drops} on ${
        formatAddress({ ip, port })
      }`
    )
    findings.push(note(
      "Drops",
      dropping.map(({ ip, port }) => formatAddress({ ip, port })),
      `Receive buffers on this host were full: ${all(by)} since it started.`,
      "Its event loop was blocked, or the group is flooded. Look for Stalled and Dropped among its events; raise net.core.rmem_max."
    ))
  }
  if (limit !== null && limit < wanted) {
    findings.push(note(
      "SmallReceiveBuffer",
      [],
      `The system gives sockets at most ${limit} bytes of receive buffer; ${wanted} are asked for.`,
      `In groups of hundreds, bursts may be lost: sysctl -w net.core.rmem_max=${wanted}.`
    ))
  }
  return findings
}

const rules: ReadonlyArray<Rule> = [
  interfaces,
  refusals,
  ttl,
  echoes,
  Strangers.strangers,
  Strangers.exposure,
  seeds,
  company,
  links,
  ways,
  identities,
  leaders,
  room
]
