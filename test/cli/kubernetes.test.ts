/** `deploy/kubernetes.yaml` as the API of Kubernetes would read it. `test/network/kubernetes.test.ts` runs what it says. */
import { assert, describe, it } from "@effect/vitest"
import * as Settings from "../../src/settings/Settings.ts"
import * as Kubernetes from "./Kubernetes.ts"

const text = Kubernetes.text("kubernetes.yaml")

/** The faults of the manifest once its text is changed in one place. */
const faultsWith = async (from: string, to: string): Promise<ReadonlyArray<string>> => {
  assert.include(text, from)
  const found = await Promise.all(Kubernetes.documents(text.replace(from, to)).map(Kubernetes.faults))
  return found.flat()
}

describe("the manifests of Kubernetes", () => {
  for (const file of Kubernetes.files) {
    it(`each document of ${file} is one of its kind, with no field that there is not`, async () => {
      const documents = Kubernetes.documents(Kubernetes.text(file))
      assert.isNotEmpty(documents)
      for (const document of documents) {
        assert.deepStrictEqual(await Kubernetes.faults(document), [], `${document.kind} ${document.metadata.name}`)
      }
    })
  }

  for (
    const [what, from, to, fault] of [
      ["a misspelt field", "readinessProbe:", "readynessProbe:", /readynessProbe: no such field/],
      ["a field in the wrong place", "spec:\n  replicas: 2", "replicas: 2\nspec:", /^\/replicas: no such field/],
      ["a text for a number", "replicas: 3", "replicas: \"3\"", /^\/spec\/replicas: .*integer/],
      ["a number for a text", "GROUP_SIZE: \"3\"", "GROUP_SIZE: 3", /^\/data\/BELLWETHER_GROUP_SIZE: .*string/],
      ["a container without a name", "- name: bellwether\n          image", "- image", /containers\/0: .*"name"/]
    ] as const
  ) {
    it(`${what} is found`, async () => {
      const faults = await faultsWith(from, to)
      assert.isTrue(faults.some((one) => fault.test(one)), faults.join("\n"))
    })
  }

  it("names settings that there are, as many voters as replicas, and a seed for each", () => {
    const named = [...text.matchAll(/\bBELLWETHER_[A-Z_]+(?=: |$)/gm)].map(([name]) => name)
    const extra = ["BELLWETHER_HTTP_TOKEN", "BELLWETHER_PORT"]
    assert.includeMembers([...Settings.keys.map(Settings.environmentName), ...extra], named)
    const { metadata: { name }, spec: { replicas, serviceName } } = Kubernetes.workload("StatefulSet")
    const settings = Kubernetes.config()
    assert.strictEqual(settings["BELLWETHER_GROUP_SIZE"], String(replicas))
    assert.deepStrictEqual(
      settings["BELLWETHER_SEEDS"]?.split(","),
      Array.from(
        { length: replicas },
        (_, index) => `${name}-${index}.${serviceName}:${settings["BELLWETHER_UNICAST_PORT"]}`
      )
    )
  })

  it.each(["StatefulSet", "Deployment"])("has the probes of the API, and the ports of the settings: %s", (kind) => {
    const { livenessProbe, ports, readinessProbe } = Kubernetes.containerOf(Kubernetes.workload(kind))
    assert.deepStrictEqual([livenessProbe.httpGet.path, readinessProbe.httpGet.path], ["/health/live", "/health/ready"])
    const { BELLWETHER_HTTP, BELLWETHER_UNICAST_PORT } = Kubernetes.config()
    const [http, group] = ["http", "group"].map((name) => ports.find((port) => port.name === name)?.containerPort)
    assert.deepStrictEqual([`0.0.0.0:${http}`, String(group)], [BELLWETHER_HTTP, BELLWETHER_UNICAST_PORT])
  })

  it("hands over by the program of the image", () => {
    const [, entry = ""] = /^ENTRYPOINT (\[.*\])$/m.exec(Kubernetes.text("Containerfile")) ?? []
    const command = Kubernetes.containerOf(Kubernetes.workload("StatefulSet")).lifecycle?.preStop.exec.command ?? []
    assert.include(command.join(" "), (JSON.parse(entry) as ReadonlyArray<string>).join(" "))
  })
})
