/**
 * What `deploy/kubernetes.yaml` says, run without Kubernetes: each pod is a host with an address of its own, which knows the others by
 * the names that the headless Service gives them, and has the very environment, probes and `preStop` of the manifest. Another host asks
 * the probes, as a node does.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Kubernetes from "../cli/Kubernetes.ts"
import * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"
import * as Views from "./Views.ts"

/** The environment of a pod of that name. What it has of the secret is drawn once for all. */
const environmentOf = (workload: Kubernetes.Workload, pod: string): Record<string, string> => ({
  ...Kubernetes.config(),
  BELLWETHER_KEY: Buffer.alloc(32, 7).toString("base64"),
  BELLWETHER_HTTP_TOKEN: "0123456789abcdef0123456789abcdef",
  ...Object.fromEntries(Kubernetes.containerOf(workload).env.map(({ name, value }) => [name, value ?? pod]))
})

/** What a pod runs, where the image has the program at `dist/main.js` and Node first in its path. */
const inImage = (command: ReadonlyArray<string>): readonly [string, ...ReadonlyArray<string>] =>
  command.map((word) => word.replace("node dist/main.js", `${process.execPath} ${Process.main}`)) as never

interface Pod {
  readonly name: string
  readonly ip: string
  readonly host: Lan.Host
  readonly server: Process.Running
  readonly workload: Kubernetes.Workload
}

/** Hosts for pods, and one that asks the probes. */
const cluster = Effect.gen(function*() {
  const lan = yield* Lan.make
  const node = yield* lan.hostAt("10.42.0.250/24")
  const hosts = new Set<Lan.Host>()
  const addresses = new Map<string, string>()
  const start = Effect.fnUntraced(function*(workload: Kubernetes.Workload, name: string, ip: string) {
    const host = yield* lan.hostAt(`${ip}/24`)
    hosts.add(host)
    const service = workload.spec.serviceName
    if (service !== undefined) addresses.set(`${name}.${service}`, ip)
    for (const one of hosts) yield* one.names(Array.from(addresses, ([name, ip]) => `${ip} ${name}`))
    const server = yield* host.start(["serve", "--json"], environmentOf(workload, name))
    return { name, ip, host, server, workload } satisfies Pod
  })
  /** What a probe of a pod gets. */
  const probe = ({ ip, workload }: Pod, { httpGet: { path, port } }: Kubernetes.Probe) => {
    const found = Kubernetes.containerOf(workload).ports.find(({ name }) => name === port)
    const url = `http://${ip}:${found?.containerPort}${path}`
    const ask = `fetch(${JSON.stringify(url)}).then(({ status }) => console.log(status), () => console.log(0))`
    return Effect.map(node.exec([process.execPath, "-e", ask]), Number)
  }
  return { start, probe }
})

type Cluster = Effect.Success<typeof cluster>

/** Asks the probe of a pod again and again until it is ready. */
const ready = ({ probe }: Cluster, pod: Pod) =>
  Effect.repeat(probe(pod, Kubernetes.containerOf(pod.workload).readinessProbe), { until: (status) => status === 200 })
    .pipe(
      Effect.timeout("50 seconds")
    )

/** What Kubernetes does to end a pod. */
const end = Effect.fnUntraced(function*({ host, name, server, workload }: Pod) {
  const { lifecycle } = Kubernetes.containerOf(workload)
  if (lifecycle !== undefined) {
    yield* host.exec(inImage(lifecycle.preStop.exec.command), environmentOf(workload, name))
  }
  return server
})

const isVoter = ({ workload }: Pod) => workload.spec.serviceName !== undefined

describe.skipIf(Lan.skip)(`deploy/kubernetes.yaml, run as processes${Lan.because}`, Lan.together, () => {
  it.live(
    "all are ready, preStop moves the lead while the pod still runs, and its next start votes at another address",
    Effect.fnUntraced(function*() {
      const world = yield* cluster
      const voters = Kubernetes.workload("StatefulSet")
      const workers = Kubernetes.workload("Deployment")
      const names = Array.from({ length: voters.spec.replicas }, (_, index) => `${voters.metadata.name}-${index}`)
      const pods: Array<Pod> = []
      for (const [index, name] of names.entries()) pods.push(yield* world.start(voters, name, `10.42.0.${index + 1}`))
      for (let index = 0; index < workers.spec.replicas; index++) {
        pods.push(yield* world.start(workers, `${workers.metadata.name}-x${index}`, `10.42.0.${100 + index}`))
      }
      for (const pod of pods) yield* ready(world, pod)
      const first = yield* pods[0]!.server.until(() => Views.leaderOf(pods[0]!.server) ?? undefined)
      yield* Views.allFollow(pods.map(({ server }) => server), first)
      yield* Views.allSeeAll(Object.fromEntries(pods.map(({ name, server }) => [name, server])))
      for (const pod of pods) {
        assert.strictEqual(yield* world.probe(pod, Kubernetes.containerOf(pod.workload).livenessProbe), 200, pod.name)
      }

      // The pod of the leader is to go.
      const leader = pods.find(({ name }) => name === first)!
      assert.isTrue(isVoter(leader))
      const others = pods.filter((pod) => pod !== leader)
      yield* end(leader)
      const changed = yield* others[0]!.server.event(
        "LeaderChanged",
        ({ leader }) => leader !== null && leader.name !== first
      )
      const second = changed.leader!.name
      yield* Views.allFollow(pods.map(({ server }) => server), second)
      assert.isTrue(isVoter(pods.find(({ name }) => name === second)!))
      assert.strictEqual(changed.cause, "Resigned")
      // It still runs, and only now is told to end. The lead stays.
      const before = others.map(({ server }) => Views.since(server))
      yield* leader.server.kill("SIGTERM")
      assert.strictEqual((yield* leader.server.ended).code, 0)
      const last = Number(names.at(-1)?.replace(/\D/g, "")) + 2
      const again = yield* world.start(voters, first, `10.42.0.${last}`)
      yield* ready(world, again)
      yield* Views.allSeeAll(Object.fromEntries([...others, again].map(({ name, server }) => [name, server])))
      yield* Views.follows(again.server, second)
      for (const happened of before) {
        const strange = happened().filter(({ event }) =>
          ["LeaderChanged", "GroupTooLarge", "SettingsDiffer", "DuplicateIdentity"].includes(event)
        )
        assert.deepStrictEqual(strange, [])
      }
      assert.isTrue(again.server.events.some(({ event }) => event === "Votes"))
    }, Effect.scoped)
  )
})
