/** What the observations of etcd mean: findings, each with what to do about it. Pure: the same observations give the same findings. */
import * as EtcdVersion from "../../etcd/EtcdVersion.ts"
import { all, type Finding, note, one, problem, sort } from "../Finding.ts"
import type { Endpoint, EtcdObservations, Failure } from "./EtcdObservations.ts"

type Rule = (seen: EtcdObservations) => ReadonlyArray<Finding>

const urls = (endpoints: ReadonlyArray<Endpoint>): ReadonlyArray<string> => endpoints.map(({ url }) => url)

const failureOf = ({ read }: Endpoint): Failure | null => read?.failure ?? null

const isWell = ({ read }: Endpoint): boolean => read !== null && read.failure === null

const isRefusal = (failure: Failure | null): failure is Failure =>
  failure !== null && (failure.kind === "Refused" || failure.kind === "TokenGone")

/** Endpoints of one kind, with what the first of them said. */
const those = (
  { endpoints }: EtcdObservations,
  is: (endpoint: Endpoint) => boolean,
  tell: (about: ReadonlyArray<string>, detail: string) => Finding
): ReadonlyArray<Finding> => {
  const found = endpoints.filter(is)
  const [first] = found
  return first === undefined ? [] : [tell(urls(found), failureOf(first)?.detail ?? "")]
}

/** The others serve on where one is away: that is worth knowing, and a problem where none is left. */
const graded = ({ endpoints }: EtcdObservations) => endpoints.some(isWell) ? note : problem

/** Whether nothing at all came from an endpoint. */
const isAway = (endpoint: Endpoint): boolean => {
  const failure = failureOf(endpoint)
  return failure !== null && !failure.untrusted && endpoint.status === null
    && (failure.kind === "NotDone" || failure.kind === "Unknown")
}

const away: Rule = (seen) =>
  those(seen, isAway, (about, detail) =>
    graded(seen)(
      "EtcdAway",
      about,
      `${all(about)} ${one(about, "does", "do")} not answer: ${detail}.`,
      "Start etcd there, or correct the address; a firewall may drop what is sent to the port. Answers that look like those of "
        + "another program may be from an endpoint of https that was given as http."
    ))

const untrusted: Rule = (seen) =>
  those(seen, (endpoint) => failureOf(endpoint)?.untrusted === true, (about, detail) =>
    graded(seen)(
      "EtcdUntrusted",
      about,
      `The certificate of ${all(about)} is not believed, or ours is not: ${detail}.`,
      "Name the file of the authority that has signed it (--etcd-ca-file), and where etcd asks for certificates ours and its key "
        + "(--etcd-cert-file, --etcd-key-file). The name in the address has to be in the certificate."
    ))

const gatewayOff: Rule = (seen) => {
  const isOff = (endpoint: Endpoint) => failureOf(endpoint)?.kind === "GatewayOff"
  const isOld = ({ version }: Endpoint) => version !== null && !EtcdVersion.hasGateway(version)
  return [
    ...those(seen, (endpoint) => isOff(endpoint) && isOld(endpoint), (about) =>
      problem(
        "EtcdTooOld",
        about,
        `${all(about)} ${one(about, "is", "are")} older than 3.4, whose JSON gateway is at other paths.`,
        "Update etcd."
      )),
    ...those(seen, (endpoint) => isOff(endpoint) && !isOld(endpoint), (about) =>
      problem(
        "EtcdGatewayOff",
        about,
        `No JSON gateway of etcd answers at ${all(about)}.`,
        "Before 3.5 an etcd with a configuration file needs enable-grpc-gateway: true in it. Otherwise another program listens there, "
          + "or a proxy that passes on something else."
      ))
  ]
}

const refused: Rule = (seen) =>
  those(seen, (endpoint) => isRefusal(failureOf(endpoint)), (about, detail) =>
    seen.authenticated
      ? /permission denied/.test(detail) ? noRight(seen, about, detail) : problem(
        "EtcdLoginRefused",
        about,
        `${all(about)} ${one(about, "refuses", "refuse")} the name and password: ${detail}.`,
        "Correct --etcd-username and BELLWETHER_ETCD_PASSWORD."
      )
      : problem(
        "EtcdLoginMissing",
        about,
        `${all(about)} ${one(about, "asks", "ask")} for a name and a password: ${detail}.`,
        "Give --etcd-username, and the password in BELLWETHER_ETCD_PASSWORD."
      ))

const noRight = ({ prefix }: EtcdObservations, about: ReadonlyArray<string>, detail: string): Finding =>
  problem(
    "EtcdNoRight",
    about,
    `The user has no right to the keys below ${prefix}: ${detail}.`,
    `Give a role of its the right to read and write them: etcdctl role grant-permission ROLE --prefix=true readwrite ${prefix}`
  )

const quorum: Rule = (seen) =>
  those(
    seen,
    (endpoint) => {
      const failure = failureOf(endpoint)
      return endpoint.status !== null && (failure?.kind === "NotDone" || failure?.kind === "Unknown")
    },
    (about, detail) =>
      graded(seen)(
        "EtcdNoQuorum",
        about,
        `${all(about)} ${
          one(about, "answers for itself, and", "answer for themselves, and")
        } no majority follows: ${detail}.`,
        "More than half of etcd's nodes have to run and to reach each other: look at those that are away, and at the network between them. "
          + "Until then nobody takes the lead, and who has it keeps it until its lease is over."
      )
  )

const clusters: Rule = ({ endpoints }) => {
  const known = new Map<string, Array<string>>()
  for (const { status, url } of endpoints) {
    if (status !== null) known.set(status.cluster, [...known.get(status.cluster) ?? [], url])
  }
  return known.size < 2 ? [] : [problem(
    "EtcdClusters",
    urls(endpoints),
    `The endpoints belong to ${known.size} clusters: ${[...known.values()].map(all).join("; ")}.`,
    "Name those of one: each cluster would have a leader of its own."
  )]
}

/** That it knows of no leader is told by who reads. */
const alarmsOf = ({ status }: Endpoint): ReadonlyArray<string> =>
  (status?.errors ?? []).filter((error) => !error.includes("no leader"))

const alarms: Rule = ({ endpoints }) => {
  const found = endpoints.filter((endpoint) => alarmsOf(endpoint).length > 0)
  return found.length === 0 ? [] : [problem(
    "EtcdAlarm",
    urls(found),
    `etcd says of itself: ${[...new Set(found.flatMap(alarmsOf))].join("; ")}.`,
    "NOSPACE: compact and defragment it, then disarm the alarm (etcdctl alarm disarm). Until then it refuses what is to be written."
  )]
}

const endsEarly: Rule = ({ endpoints }) => {
  const found = endpoints.filter(({ version }) => version !== null && EtcdVersion.endsLeasesEarly(version))
  return found.length === 0 ? [] : [note(
    "EtcdEndsLeasesEarly",
    urls(found),
    `${
      [...new Set(found.map(({ version }) => version))].join(" and ")
    } may end leases early while its leader hangs (etcd-io/etcd#15247).`,
    "Then another server leads sooner than it should: update to 3.4.31, 3.5.13 or later."
  )]
}

const write: Rule = (seen) => {
  const failure = seen.write?.failure ?? null
  if (failure === null) return []
  if (/permission denied/.test(failure.detail)) return [noRight(seen, [], failure.detail)]
  return [problem(
    "EtcdReadOnly",
    [],
    `etcd can be read, and a key below ${seen.prefix} cannot be written: ${failure.detail}.`,
    "No server can join or lead. Look at etcd's own log, and at its disk."
  )]
}

/** etcd looks for leases that are over twice a second, and a change of its leader makes one last longer. */
const late = 3_000

const clock: Rule = ({ lease }) => {
  if (lease === null) return []
  const { ended, ttl, waited } = lease
  if (ended !== null && ended.gone < ttl) {
    return [problem(
      "EtcdClock",
      [],
      `A lease of ${ttl} ms was over ${ended.gone} ms after it was asked for.`,
      "Another server would lead while the former one still may: look at the clocks and the version of etcd's nodes."
    )]
  }
  if ((ended?.there ?? waited) <= ttl + late) return []
  return [note(
    "EtcdClock",
    [],
    `A lease of ${ttl} ms was still there after ${ended?.there ?? waited} ms.`,
    "A leader that dies is replaced that much later. A change of etcd's leader makes leases last longer; else its nodes are too busy."
  )]
}

/** A renewal is two questions, and has a sixth of the lease for both: a tenth of a second is far from that. */
const slowly = 500

const slow: Rule = ({ endpoints, write }) => {
  const found = endpoints.filter((endpoint) => isWell(endpoint) && (endpoint.read?.took ?? 0) > slowly)
  const took = Math.max(
    ...endpoints.filter(isWell).map(({ read }) => read?.took ?? 0),
    write?.failure === null ? write.took : 0
  )
  return took <= slowly ? [] : [note(
    "EtcdSlow",
    urls(found),
    `etcd took ${Math.round(took)} ms for one answer.`,
    "It waits for its disk, or for the network between its nodes: give its data a disk of its own. Leases of 10 s bear up to 800 ms."
  )]
}

/** The findings, problems before notes. */
export const diagnose = (seen: EtcdObservations): ReadonlyArray<Finding> =>
  sort(
    [away, untrusted, gatewayOff, refused, quorum, clusters, alarms, write, clock, endsEarly, slow].flatMap((rule) =>
      rule(seen)
    )
  )
