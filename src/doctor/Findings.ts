/**
 * What observations mean: findings, each with what to do about it. Pure: the same observations give the same findings.
 */
import { type Finding, Kind } from "./Finding.ts"
import * as ForeignTraffic from "./ForeignTraffic.ts"
import * as Group from "./GroupFindings.ts"
import * as Host from "./HostFindings.ts"
import type { Observations } from "./Observations.ts"
import * as Paths from "./PathFindings.ts"
import { links } from "./ServerLinks.ts"

/** The findings, problems before notes, each kind in the order of `Finding.Kind`. */
export const diagnose = (seen: Observations): ReadonlyArray<Finding> => sorted(rules.flatMap((rule) => rule(seen)))

// internal

const rules: ReadonlyArray<(seen: Observations) => ReadonlyArray<Finding>> = [
  Host.interfaces,
  Host.refusals,
  Host.ttl,
  Host.echoes,
  ForeignTraffic.foreignTraffic,
  Host.exposure,
  Group.seeds,
  Group.company,
  links,
  Paths.notHeard,
  Paths.faded,
  Paths.unheardThere,
  Paths.noUnicast,
  Paths.notReached,
  Group.identities,
  Group.leaders,
  Host.room
]

const sorted = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> => {
  const rank = ({ finding, severity }: Finding) =>
    (severity === "problem" ? 0 : Kind.literals.length) + Kind.literals.indexOf(finding)
  return findings.toSorted((a, b) => rank(a) - rank(b))
}
