/**
 * A diagnosis for people: what was examined, what was found, and what to do. Pure, from data to lines of a given width.
 */
import { formatAddress } from "../protocol/model/Member.ts"
import * as Voters from "../protocol/model/Voters.ts"
import type * as Style from "../status/Style.ts"
import * as Text from "../status/Text.ts"
import type * as Diagnosis from "./Diagnosis.ts"
import * as FindingText from "./FindingText.ts"
import type { Interface, Observations, Server } from "./Observations.ts"
import * as VoterFindings from "./VoterFindings.ts"

/** The whole report. No line is wider than the style's columns, but for a word that is. */
export const render = (
  { findings, healthy, observations }: Diagnosis.Report,
  style: Pick<Style.Style, "columns" | "color">
): ReadonlyArray<string> => {
  const { group, interfaces, lasted, multicastAddress, port, servers } = observations
  const lines = (text: string, code = "", indent = 0, first = "") =>
    FindingText.paragraph(text, style, code, indent, first)
  const shown = servers.slice(0, mostServers)
  return [
    ...lines(`Bellwether doctor  group ${group}  ${multicastAddress}:${port}  listened ${Text.age(lasted)}`, "1"),
    "",
    ...lines("Interfaces", "1"),
    ...(interfaces.length === 0 ? lines("none", "2", 2, "  ") : []),
    ...interfaces.flatMap((one) =>
      lines(`${one.name} ${one.address}: ${ofInterface(one)}`, one.chosen ? "" : "2", 4, one.chosen ? "  + " : "  - ")
    ),
    "",
    ...lines(`Servers${votes(observations)}`, "1"),
    ...(servers.length === 0 ? lines("none was heard, and none answers", "2", 2, "  ") : []),
    ...shown.flatMap((one) =>
      lines(
        `${one.name} ${formatAddress(one)}: ${ofServer(one, lasted)}`,
        "",
        4,
        one.multicast !== null && one.answered !== null ? "  + " : "  - "
      )
    ),
    ...(servers.length > shown.length ? lines(`and ${servers.length - shown.length} more`, "2", 2, "  ") : []),
    "",
    ...FindingText.all(findings, style),
    ...FindingText.verdict({ findings, healthy }, "Healthy: nothing keeps servers here from finding each other.", style)
  ]
}

// internal

const mostServers = 20

const whys: { readonly [W in Interface["why"]]: string } = {
  Named: "named by the setting",
  Automatic: "used",
  OnlyLoopback: "used, as there is no other",
  NotNamed: "not used: the setting names others",
  Virtual: "not used: a bridge of containers or machines, or a tunnel; name it to use it",
  Loopback: "not used: there are others",
  SecondAddress: "not used: another address of this interface is",
  Unknown: "for a reason that this version does not know"
}

const ofInterface = (one: Interface): string => {
  if (!one.chosen) return whys[one.why]
  const way = `${whys[one.why]}${one.primary ? ", primary" : ""}`
  if (one.refusal !== null) return `${way}; could not be opened: ${one.refusal.errno ?? one.refusal.kind}`
  return one.sent === 0 ? `${way}; nothing sent` : `${way}; own multicast came back ${one.echoed} of ${one.sent} times`
}

/** How many of the servers vote, where that matters. */
const votes = (seen: Observations): string => {
  const votes = VoterFindings.votesOf(seen)
  if (votes === null) return ""
  const { groupSize, others, voters } = votes
  return `: ${voters.length} of ${voters.length + others.length} vote${
    groupSize === null ? "" : `, groupSize is ${groupSize}`
  }`
}

const ofServer = ({ answered, asked, interval, listed, local, multicast, votesIn }: Server, lasted: number): string =>
  [
    multicast === null ? "not heard by multicast" : `heard by multicast ${Text.age(lasted - multicast.last)} ago`,
    answered !== null ? "answers by unicast" : asked === 0 ? "not asked" : "does not answer by unicast",
    ...(interval === null ? [] : [`heartbeat every ${Text.age(interval)}`]),
    ...(multicast === null && answered === null && listed ? ["in the list of another"] : []),
    ...(votesIn === undefined
      ? []
      : [votesIn >= Voters.never ? "has no vote" : `does not vote yet: in ${Text.age(votesIn)} at the latest`]),
    ...(local ? ["on this host"] : [])
  ].join(", ")
