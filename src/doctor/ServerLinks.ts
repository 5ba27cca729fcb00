/**
 * What is found of links that are missing one way, as far as observations tell: a host that nobody answers, a server that
 * hears nobody, and two servers of which one does not hear the other.
 */
import { intervalOf, isDeaf, isMute } from "./Facts.ts"
import type { Finding } from "./Finding.ts"
import type { Observations, Server } from "./Observations.ts"
import { all, one, problem, server } from "./Wording.ts"

/** What is found of links that are missing one way. */
export const links = (seen: Observations): ReadonlyArray<Finding> => {
  const findings: Array<Finding> = []
  const others = seen.servers.filter(({ local }) => !local)
  if (isMute(seen)) {
    findings.push(problem(
      "NobodyHears",
      others.map(server),
      `${
        all(others.map(server))
      } are heard by multicast, and none of them answers anything: what this host sends arrives nowhere, or what is sent to it alone does not get in.`,
      "Look at the firewall of this host: outgoing UDP first, then incoming UDP to the servers' own ports. If it is open, look at the "
        + "switch or access point that it is on. Doctor on one of those hosts says whether servers of this one are heard there."
    ))
  }
  const deaf = seen.servers.filter((one) => isDeaf(seen, one))
  if (deaf.length > 0) {
    findings.push(problem(
      "HearsNobody",
      deaf.map(server),
      `${all(deaf.map(server))} ${one(deaf, "is", "are")} heard, but ${one(deaf, "sees", "see")} no other server and ${
        one(deaf, "answers", "answer")
      } nothing: what is sent to ${one(deaf, "it", "them")} does not get in.`,
      `Allow incoming UDP to port ${seen.port} and to the server's own port (unicastPort) in the firewall of that host.`
    ))
  }
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
