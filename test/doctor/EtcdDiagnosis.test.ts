import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as EtcdDiagnosis from "../../src/doctor/etcd/EtcdDiagnosis.ts"
import type { Endpoint, EtcdObservations, Failure } from "../../src/doctor/etcd/EtcdObservations.ts"
import * as Finding from "../../src/doctor/Finding.ts"
import * as Cells from "../../src/status/Cells.ts"
import * as Style from "../../src/status/Style.ts"

const status = { cluster: "10", node: "1", leader: "1", errors: [] }

const node = (at: number, change: Partial<Endpoint> = {}): Endpoint => ({
  url: `http://192.0.2.${at}:2379`,
  version: "3.5.17",
  status: { ...status, node: String(at) },
  read: { took: 3, failure: null },
  ...change
})

const failed = (kind: Failure["kind"], detail: string, untrusted = false) => ({
  took: 1,
  failure: { kind, detail, untrusted }
})

const silent = (at: number, read = failed("NotDone", "connect ECONNREFUSED")) =>
  node(at, { version: null, status: null, read })

const well: EtcdObservations = {
  group: "orders",
  prefix: "/bellwether/",
  authenticated: false,
  lasted: 2_400,
  endpoints: [node(1), node(2), node(3)],
  write: { took: 4, failure: null },
  lease: { ttl: 2_000, waited: 2_300, ended: { there: 2_100, gone: 2_250 } },
  members: [],
  leader: null
}

const unread = { write: null, lease: null, members: null }

const alone = (endpoint: Endpoint): Partial<EtcdObservations> => ({ ...unread, endpoints: [endpoint] })

const cases: ReadonlyArray<
  readonly [what: string, seen: Partial<EtcdObservations>, findings: ReadonlyArray<string>, words?: string]
> = [
  ["three nodes that are well", {}, []],
  ["one of three that is away", { endpoints: [node(1), silent(2), node(3)] }, ["?EtcdAway"], "192.0.2.2"],
  ["all that are away", { ...unread, endpoints: [silent(1), silent(2)] }, ["EtcdAway"], "192.0.2.1:2379 and http"],
  ["one that answers nothing in time", alone(silent(1, failed("Unknown", "no answer within 2000 ms"))), ["EtcdAway"]],
  [
    "one of which only the version is answered",
    alone(node(1, { status: null, read: failed("Unknown", "no answer within 2000 ms") })),
    ["EtcdAway"]
  ],
  [
    "a certificate that is not believed",
    alone(silent(1, failed("NotDone", "self-signed certificate", true))),
    ["EtcdUntrusted"],
    "--etcd-ca-file"
  ],
  [
    "a gateway that is off",
    alone(node(1, { version: "3.4.23", status: null, read: failed("GatewayOff", "none") })),
    ["EtcdGatewayOff", "?EtcdEndsLeasesEarly"],
    "enable-grpc-gateway"
  ],
  [
    "a version whose gateway is elsewhere",
    alone(node(1, { version: "3.3.27", status: null, read: failed("GatewayOff", "none") })),
    ["EtcdTooOld"],
    "Update etcd"
  ],
  [
    "no name where one is asked for",
    alone(node(1, { read: failed("TokenGone", "user name is empty") })),
    ["EtcdLoginMissing"],
    "BELLWETHER_ETCD_PASSWORD"
  ],
  [
    "a wrong password",
    { ...alone(node(1, { read: failed("Refused", "authentication failed") })), authenticated: true },
    ["EtcdLoginRefused"],
    "authentication failed"
  ],
  [
    "a user with no right to read",
    { ...alone(node(1, { read: failed("Refused", "etcdserver: permission denied") })), authenticated: true },
    ["EtcdNoRight"],
    "etcdctl role grant-permission"
  ],
  [
    "a user with no right to write",
    {
      authenticated: true,
      lease: null,
      write: failed("Refused", "etcdserver: permission denied")
    },
    ["EtcdNoRight"],
    "/bellwether/"
  ],
  [
    "a node that no majority follows, and others that one does",
    { endpoints: [node(1), node(2), node(3, { read: failed("Unknown", "etcdserver: request timed out") })] },
    ["?EtcdNoQuorum"]
  ],
  [
    "no majority",
    alone(
      node(1, {
        status: { ...status, leader: null, errors: ["etcdserver: no leader"] },
        read: failed("Unknown", "etcdserver: no leader")
      })
    ),
    ["EtcdNoQuorum"],
    "More than half"
  ],
  [
    "two clusters",
    { endpoints: [node(1), node(2, { status: { ...status, cluster: "20" } })] },
    ["EtcdClusters"],
    "2 clusters"
  ],
  [
    "a full disk",
    {
      endpoints: [node(1, { status: { ...status, errors: ["memberID:1 alarm:NOSPACE "] } })],
      write: failed("NotDone", "etcdserver: mvcc: database space exceeded"),
      lease: null
    },
    ["EtcdAlarm", "EtcdReadOnly"],
    "defragment"
  ],
  [
    "a lease that ended early",
    { lease: { ttl: 2_000, waited: 1_500, ended: { there: 1_300, gone: 1_500 } } },
    ["EtcdClock"],
    "1500 ms after"
  ],
  [
    "a lease of which it is not known whether it ended early",
    { lease: { ttl: 2_000, waited: 2_100, ended: { there: 1_300, gone: 2_100 } } },
    []
  ],
  [
    "a lease that ended late",
    { lease: { ttl: 2_000, waited: 5_600, ended: { there: 5_500, gone: 5_600 } } },
    ["?EtcdClock"]
  ],
  ["a lease that did not end", { lease: { ttl: 2_000, waited: 6_000, ended: null } }, ["?EtcdClock"], "6000 ms"],
  ["a version that may end leases early", { endpoints: [node(1, { version: "3.5.12" })] }, ["?EtcdEndsLeasesEarly"]],
  ["a slow answer", { endpoints: [node(1, { read: { took: 700, failure: null } })] }, ["?EtcdSlow"], "700 ms"],
  ["a slow write", { write: { took: 900, failure: null } }, ["?EtcdSlow"], "900 ms"]
]

describe("what doctor makes of etcd", () => {
  it.each(cases.map(([what, seen, findings, words = ""]) => ({ what, seen, findings, words })))("$what", (
    { findings, seen, words }
  ) => {
    const { findings: found, healthy } = EtcdDiagnosis.report({ ...well, ...seen })
    assert.deepStrictEqual(
      found.map(({ finding, severity }) => `${severity === "note" ? "?" : ""}${finding}`),
      findings
    )
    assert.strictEqual(healthy, findings.every((finding) => finding.startsWith("?")))
    assert.include(`${found[0]?.says} ${found[0]?.do}`, words)
    for (const finding of found) {
      assert.match(finding.says, /^\S.*\.$/)
      assert.match(finding.do, /^\S.*[^ ]$/)
    }
  })

  it("is not healthy where no endpoint is well", () => {
    for (const kind of ["NotDone", "Unknown", "Refused", "TokenGone", "GatewayOff"] as const) {
      for (const known of [{}, { status: null }, { status: null, version: null }]) {
        for (const untrusted of [true, false]) {
          const { healthy } = EtcdDiagnosis.report({
            ...well,
            ...alone(node(1, { ...known, read: failed(kind, "something", untrusted) }))
          })
          assert.isFalse(healthy, JSON.stringify({ kind, known, untrusted }))
        }
      }
    }
  })

  it("gives each kind of finding about etcd in one of these cases", () => {
    const given = new Set(cases.flatMap(([, , findings]) => findings.map((finding) => finding.replace("?", ""))))
    assert.sameMembers([...given], Finding.Kind.literals.filter((kind) => kind.startsWith("Etcd")))
  })

  it("makes a report that its schema reads back", () => {
    const report = EtcdDiagnosis.report({ ...well, endpoints: [node(1), silent(2)] })
    const json = JSON.parse(JSON.stringify(Schema.encodeSync(EtcdDiagnosis.Report)(report)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(EtcdDiagnosis.Report)(json), report)
  })

  it("says what was examined, what was found and what to do, within the width of the terminal", () => {
    const report = EtcdDiagnosis.report({ ...well, endpoints: [node(1), silent(2)] })
    assert.deepStrictEqual(EtcdDiagnosis.render(report, { ...Style.plain, columns: 200 }), [
      "Bellwether doctor  group orders  in etcd below /bellwether/  took 2s",
      "",
      "Endpoints",
      "  + http://192.0.2.1:2379: etcd 3.5.17, leads, answered in 3 ms",
      "  - http://192.0.2.2:2379: connect ECONNREFUSED",
      "",
      "Servers",
      "  none",
      "",
      "i http://192.0.2.2:2379 does not answer: connect ECONNREFUSED.",
      "  > Start etcd there, or correct the address; a firewall may drop what is sent to the port. Answers that look like those of another"
      + " program may be from an endpoint of https that was given as http.",
      "",
      "Healthy: etcd can keep this group."
    ])
    for (const line of EtcdDiagnosis.render(report, { columns: 40, color: false })) {
      assert.isTrue(Cells.width(line) <= 40 || line.trim().split(" ").length <= 3, line)
    }
  })
})
