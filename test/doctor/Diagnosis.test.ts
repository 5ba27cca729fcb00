import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Diagnosis from "../../src/doctor/Diagnosis.ts"
import * as Finding from "../../src/doctor/Finding.ts"
import type { Observations } from "../../src/doctor/Observations.ts"
import { cases } from "./Cases.ts"
import { deaf, eth0, foreign, healthy, id, refused, server, unheard } from "./Sample.ts"

const short = ({ finding, severity }: Finding.AnyFinding) => `${severity === "note" ? "?" : ""}${finding}`

describe("what doctor makes of", () => {
  it.each(cases.map(([what, change, findings, words = []]) => ({ what, change, findings, words })))("$what", (
    { change, findings, words }
  ) => {
    const { findings: found, healthy: isHealthy } = Diagnosis.report({ ...healthy, ...change })
    assert.deepStrictEqual<ReadonlyArray<string>>(found.map(short), findings)
    assert.strictEqual(isHealthy, findings.every((finding) => finding.startsWith("?")))
    for (const word of words) assert.include(`${found[0]?.says} ${found[0]?.do}`, word)
    for (const finding of found) {
      assert.match(finding.says, /^\S.*\.$/)
      assert.match(finding.do, /^\S.*\.$/)
    }
  })

  it("gives each kind of finding in one of these cases", () => {
    const given = new Set(cases.flatMap(([, , findings]) => findings.map((finding) => finding.replace("?", ""))))
    assert.sameMembers([...given], Finding.Kind.literals.filter((kind) => !kind.startsWith("Etcd")))
  })

  it("names no more than a handful of many servers", () => {
    const many = Array.from(
      { length: 30 },
      (_, at) => server("abcdef"[at % 6]!, { ...deaf, port: at + 1 })
    )
    const [finding] = Diagnosis.diagnose({ ...healthy, servers: many })
    assert.include(finding?.says, "and 25 more answer by unicast")
    assert.strictEqual(finding?.about.length, 30)
  })

  it("puts problems before notes, and causes before what they bring about", () => {
    const found = Diagnosis.diagnose({
      ...healthy,
      servers: [],
      foreign: [foreign("NotOurs"), foreign("OtherGroup")],
      interfaces: [{ ...eth0, echoed: 0, lastEcho: null }],
      receiveBuffer: { wanted: 2, limit: 1 }
    })
    assert.deepStrictEqual(found.map(short), [
      "OwnMulticastLost",
      "OtherGroup",
      "Alone",
      "?OtherProgram",
      "?SmallReceiveBuffer"
    ])
  })

  it("makes a report that its schema reads back", () => {
    const report = Diagnosis.report({ ...healthy, foreign: [foreign("OtherGroup")], servers: [server("b", deaf)] })
    const json = JSON.parse(JSON.stringify(Schema.encodeSync(Diagnosis.Report)(report)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Diagnosis.Report)(json), report)
  })
})

describe("a report, read by a program of another version", () => {
  const report = Diagnosis.report({ ...healthy, foreign: [foreign("OtherGroup")] })
  const written = Schema.encodeSync(Diagnosis.Report)(report)
  const read = (change: object) =>
    Schema.decodeUnknownSync(Diagnosis.Report)(Object.assign({}, written, change) as unknown)
  const known = written.findings[0]!

  it("is what it is where it is known, also with fields that are not", () => {
    const findings = [{ ...known, newer: 1 }]
    const observations = { ...written.observations, newer: [] }
    assert.deepStrictEqual(read({ newer: 1, findings, observations }), report)
  })

  it("has unknown findings where their kind or severity is not known, with all that they tell", () => {
    const moon = { finding: "Moonrise", severity: "problem", about: ["moon"], says: "It rises.", do: "Wait.", phase: 1 }
    const hint = { ...known, severity: "hint" }
    const { findings } = read({ findings: [moon, known, hint] })
    const { phase: _, ...rest } = moon
    assert.deepStrictEqual(findings, [
      { ...rest, finding: "Unknown", told: moon },
      ...report.findings,
      { ...hint, finding: "Unknown", told: hint }
    ])
    assert.deepStrictEqual(Schema.encodeSync(Diagnosis.Report)({ ...report, findings }).findings, [moon, known, hint])
  })

  it("has unknown words where an interface is used for a reason, or something was refused in a call, that is not known", () => {
    const refusal = { during: "dream", kind: "Odd", where: "eth0", errno: null }
    const interfaces = [{ ...eth0, why: "Best", refusal }]
    const { observations } = read({ observations: { ...written.observations, interfaces, refusals: [refusal] } })
    assert.deepStrictEqual(observations.interfaces.map(({ why }) => why), ["Unknown"])
    assert.deepStrictEqual(observations.refusals.map(({ during }) => during), ["Unknown"])
    assert.deepStrictEqual(Diagnosis.report(observations).findings.map(short), ["Refused", "?OtherGroup"])
  })

  it("is refused where it is no report", () => {
    for (const findings of [null, [null], [{}], [{ ...known, says: 5 }], [{ ...known, finding: 7 }]]) {
      assert.throws(() => read({ findings }))
    }
  })
})

describe("longer listening", () => {
  const settled = (change: Partial<Observations>) => Diagnosis.isSettled({ ...healthy, ...change })

  it("would change nothing where all is heard both ways, after a moment", () => {
    assert.isTrue(settled({}))
    assert.isTrue(settled({ lasted: 1_500 }))
    assert.isFalse(settled({ lasted: 1_499 }))
  })

  it.each<[string, Partial<Observations>]>([
    ["nobody is there yet", { servers: [] }],
    ["one was not heard by multicast yet", { servers: [server("a"), server("b", deaf)] }],
    ["one has not answered yet", { servers: [server("a"), server("b", { answered: null })] }],
    ["a probe has not come back yet", { interfaces: [{ ...eth0, echoed: 0 }] }],
    ["the leader has not answered all yet", {
      questions: { asked: 1, unanswered: 1, lastAnswer: null, answeredBy: [] }
    }],
    ["not all name the same leader", {
      servers: [server("a"), server("b", { follows: { leader: id("c"), term: 9, since: 4_000 } })]
    }],
    ["nobody has said who leads", { servers: [server("a", { follows: null })] }]
  ])("is worth it where %s", (_, change) => assert.isFalse(settled(change)))

  it("is in vain where nothing could be opened", () => {
    const interfaces = [{ ...eth0, refusal: refused("AddressInUse", "EADDRINUSE") }]
    assert.isTrue(settled({ interfaces, servers: [], lasted: 500 }))
    assert.isFalse(settled({ interfaces, servers: [], lasted: 400 }))
    const refusals = [refused("AddressInUse", "EADDRINUSE")]
    assert.isTrue(settled({ interfaces: unheard, refusals, servers: [], lasted: 500 }))
  })

  it("suspects those that answer and were not heard", () => {
    assert.isFalse(Diagnosis.isSuspect(healthy))
    assert.isTrue(Diagnosis.isSuspect({ ...healthy, servers: [server("b", deaf)] }))
  })
})
