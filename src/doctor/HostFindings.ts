/** Findings about this host: its interfaces, ports, keys and buffers, and whether its own multicasts come back to it. */
import { formatAddress } from "../protocol/model/Member.ts"
import * as Text from "../status/Text.ts"
import { all, type Finding, note, one, problem } from "./Finding.ts"
import { isLonely, type Observations, type Refusal } from "./Observations.ts"
import { chosenOf, interfaceName, isLost, isOnNetwork, isTaken, openOf, type Rule } from "./Seen.ts"

const fadedAfter = 12_000

const interfaces: Rule = (seen) => {
  if (seen.interfaces.length === 0) {
    // A failed scan does not say that there is no interface.
    return seen.refusals.some(({ during }) => during === "scan") ? [] : [problem(
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
      seen.interfaces.map(interfaceName),
      `None of the interfaces of this host is used: ${all(seen.interfaces.map(interfaceName))}.`,
      "Compare --interfaces with their names and addresses."
    )]
  }
  const virtual = seen.interfaces.filter(({ why }) => why === "Virtual")
  return chosen.every(({ why }) => why === "OnlyLoopback")
    ? [problem(
      "OnlyLoopback",
      chosen.map(interfaceName),
      `Only the loopback is used, so only servers on this host can be found.${
        virtual.length > 0
          ? ` Left out as ${one(virtual, "a bridge or tunnel", "bridges or tunnels")}: ${
            all(virtual.map(interfaceName))
          }.`
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
  receive: "receive",
  Unknown: "do what this version does not know"
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
        [interfaceName(one)],
        `None of ${one.sent} probes that were multicast out of ${interfaceName(one)} came back to this host.`,
        `Allow incoming UDP to ${seen.multicastAddress} port ${seen.port} in the firewall of this host (nft list ruleset, iptables -L). `
          + "If it is open, the interface carries no multicast: name another with --interfaces."
      )]
    }
    return one.lastEcho !== null && one.lastSent !== null && one.lastSent - one.lastEcho > fadedAfter
      ? [problem(
        "OwnMulticastFaded",
        [interfaceName(one)],
        `Probes multicast out of ${interfaceName(one)} came back at first, but not in the last ${
          Text.age(seen.lasted - one.lastEcho)
        }.`,
        "Something changed on this host meanwhile: its firewall, or the interface (ip maddr shows whether the group is still joined)."
      )]
      : []
  })

const buffers: Rule = (seen) => {
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

/** Whether others may read or change the file of keys. */
const exposure: Rule = ({ exposedKeyFile }) =>
  exposedKeyFile === null ? [] : [note(
    "KeyFileExposed",
    [exposedKeyFile.path],
    `Others than its owner may read or change the file of keys ${exposedKeyFile.path} (permissions ${exposedKeyFile.mode}): `
      + "anyone who has a key of the group is trusted in all things.",
    `Make the user that the servers run as its owner, and run chmod 600 ${exposedKeyFile.path}. If others had access, change the key.`
  )]

/** All of them. */
export const rules: ReadonlyArray<Rule> = [interfaces, refusals, ttl, echoes, exposure, buffers]
