/** A diagnosis of etcd: what was seen and what it means, for programs and for people. Pure. */
import * as Schema from "effect/Schema"
import { formatAddress } from "../../protocol/model/Member.ts"
import type * as Style from "../../status/Style.ts"
import * as Text from "../../status/Text.ts"
import { AnyFinding } from "../Finding.ts"
import * as FindingText from "../FindingText.ts"
import * as EtcdFindings from "./EtcdFindings.ts"
import { type Endpoint, EtcdObservations } from "./EtcdObservations.ts"

/** What `doctor --json` prints of etcd. `healthy` where no finding is a problem. */
export const Report = Schema.Struct({
  healthy: Schema.Boolean,
  findings: Schema.Array(AnyFinding),
  observations: EtcdObservations
})

export type Report = typeof Report.Type

/** The report on these observations. */
export const report = (observations: EtcdObservations): Report => {
  const findings = EtcdFindings.diagnose(observations)
  return { healthy: findings.every(({ severity }) => severity === "note"), findings, observations }
}

const most = 20

/** The whole report as lines. */
export const render = (
  { findings, healthy, observations }: Report,
  style: Pick<Style.Style, "columns" | "color">
): ReadonlyArray<string> => {
  const { endpoints, group, lasted, leader, members, prefix } = observations
  const lines = (text: string, code = "", indent = 0, first = "") =>
    FindingText.paragraph(text, style, code, indent, first)
  const shown = members?.slice(0, most) ?? []
  return [
    ...lines(`Bellwether doctor  group ${group}  in etcd below ${prefix}  took ${Text.age(lasted)}`, "1"),
    "",
    ...lines("Endpoints", "1"),
    ...endpoints.flatMap((one) =>
      lines(`${one.url}: ${ofEndpoint(one)}`, "", 4, one.read?.failure === null ? "  + " : "  - ")
    ),
    "",
    ...lines("Servers", "1"),
    ...(members === null
      ? lines("who is there could not be read", "2", 2, "  ")
      : members.length === 0
      ? lines("none", "2", 2, "  ")
      : []),
    ...shown.flatMap((one) =>
      lines(`${one.name} ${formatAddress(one)}${one.id === leader ? ": leads" : ""}`, "", 4, "  + ")
    ),
    ...(members !== null && members.length > most ? lines(`and ${members.length - most} more`, "2", 2, "  ") : []),
    "",
    ...FindingText.all(findings, style),
    ...FindingText.verdict({ findings, healthy }, "Healthy: etcd can keep this group.", style)
  ]
}

const ofEndpoint = ({ read, status, version }: Endpoint): string =>
  [
    ...(version === null ? [] : [`etcd ${version}`]),
    ...(status === null
      ? []
      : [status.leader === null ? "knows of no leader" : status.leader === status.node ? "leads" : "follows"]),
    ...(read === null
      ? []
      : read.failure === null
      ? [`answered in ${Math.max(1, Math.round(read.took))} ms`]
      : [read.failure.detail])
  ].join(", ")
