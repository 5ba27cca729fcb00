import { assert, describe, it } from "@effect/vitest"
import { stripVTControlCharacters } from "node:util"
import * as Diagnosis from "../../src/doctor/Diagnosis.ts"
import * as DiagnosisText from "../../src/doctor/DiagnosisText.ts"
import * as FindingText from "../../src/doctor/FindingText.ts"
import type { Observations } from "../../src/doctor/Observations.ts"
import * as Cells from "../../src/status/Cells.ts"
import * as Style from "../../src/status/Style.ts"
import { docker0, eth0, healthy, server } from "./Sample.ts"

const { refusal: _, ...unprobed } = { ...eth0, primary: false, sent: 0, echoed: 0, lastSent: null, lastEcho: null }

const seen: Observations = {
  ...healthy,
  interfaces: [
    { ...eth0, sent: 5, echoed: 4, lastSent: null, lastEcho: null },
    {
      ...unprobed,
      name: "eth1",
      address: "198.51.100.1",
      refusal: { during: "open", kind: "PermissionDenied", where: "eth1 198.51.100.1", errno: "EACCES" }
    },
    docker0
  ],
  servers: [
    server("a", {
      name: "ki\u001b[2Jtchen",
      ip: "192.0.2.7",
      multicast: { first: 100, last: 9_500 },
      starts: [],
      follows: null
    })
  ],
  sockets: null,
  receiveBuffer: { wanted: 1, limit: 1 }
}

describe("a diagnosis on a terminal", () => {
  it("says what was examined, what was found and what to do", () => {
    const lines = DiagnosisText.render(Diagnosis.report(seen), Style.plain)
    assert.deepStrictEqual(lines, [
      "Bellwether doctor  group orders  239.255.253.87:16983  listened 12s",
      "",
      "Interfaces",
      "  + eth0 192.0.2.1: used, primary; own multicast came back 4 of 5 times",
      "  + eth1 198.51.100.1: used; could not be opened: EACCES",
      "  - docker0 172.17.0.1: not used: a bridge of containers or machines, or a tunnel; name it to use it",
      "",
      "Servers",
      "  + ki\uFFFD[2Jtchen 192.0.2.7:4000: heard by multicast 3s ago, answers by unicast, heartbeat every 10s",
      "",
      "! The system refused to open a socket on eth1 198.51.100.1: EACCES.",
      "  > A firewall or a sandbox of this host forbids it: allow UDP for this program.",
      "",
      "1 problem."
    ])
  })

  it("says how many servers vote and who does not, where there are leases", () => {
    const servers = [
      server("a", { groupSize: 3 }),
      server("b", { votesIn: 28_000 }),
      server("c", { votesIn: 86_400_000 })
    ]
    const lines = DiagnosisText.render(Diagnosis.report({ ...healthy, servers }), Style.plain)
    assert.include(lines, "Servers: 2 of 3 vote, groupSize is 3")
    assert.isTrue(
      lines.some((line) => /^ {2}\+ b .*, does not vote yet: in 28s at the latest$/.test(line)),
      lines.join("\n")
    )
    assert.isTrue(lines.some((line) => /^ {2}\+ c .*, has no vote$/.test(line)), lines.join("\n"))
    assert.isTrue(lines.some((line) => line.startsWith("i 2 of 3 voters are seen: a (")), lines.join("\n"))
  })

  it.each([20, 40, 79, 120])("fits %i columns, word by word", (columns) => {
    const lines = DiagnosisText.render(Diagnosis.report({ ...seen, servers: [] }), { columns, color: false })
    for (const line of lines) {
      // A word that is wider than the terminal is broken by it.
      assert.isTrue(Cells.width(line) <= columns || line.trim().split(" ").length <= 3, line)
    }
    assert.include(
      lines.join(" ").replaceAll(/\s+/g, " "),
      "No server of group \"orders\" on 239.255.253.87:16983 was heard"
    )
  })

  it("has colours where they are wanted, and only there", () => {
    const render = (color: boolean) => DiagnosisText.render(Diagnosis.report(seen), { columns: 80, color }).join("\n")
    assert.include(render(true), "\u001b[1;31m")
    assert.strictEqual(stripVTControlCharacters(render(true)), render(false))
    assert.notInclude(render(false), "\u001b")
  })

  it("says that all is well, and how many servers it does not show", () => {
    const servers = Array.from({ length: 25 }, (_, at) => ({ ...seen.servers[0]!, port: at + 1 }))
    const lines = DiagnosisText.render({
      healthy: true,
      findings: [],
      observations: { ...seen, servers, interfaces: [] }
    }, Style.plain)
    assert.include(lines, "  and 5 more")
    assert.include(lines, "  none")
    assert.strictEqual(lines.at(-1), "Healthy: nothing keeps servers here from finding each other.")
  })

  it("is one line a finding for logs", () => {
    const [finding] = Diagnosis.diagnose(seen)
    assert.match(FindingText.line(finding!), /^problem Refused: The system .* allow UDP for this program\.$/)
  })
})
