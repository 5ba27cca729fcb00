/** The program with the backend etcd, on real nodes: as one runs it, asks it, and finds out what is wrong. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as EtcdFlags from "../../src/cli/etcd/flags.ts"
import * as RegistryConfig from "../../src/registry/RegistryConfig.ts"
import * as Elsewhere from "../../src/settings/Elsewhere.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as SqlOptions from "../../src/sql/SqlOptions.ts"
import * as Certificates from "../etcd/Certificates.ts"
import * as EtcdNodes from "../etcd/EtcdNodes.ts"
import * as Kubernetes from "./Kubernetes.ts"
import * as Process from "./process.ts"
import * as Tmux from "./tmux.ts"

const nobody = "http://127.0.0.1:9"

describe("the backend etcd on the command line", () => {
  it.live("refuses a misspelt key of the group, as on a LAN", () =>
    Effect.gen(function*() {
      const env = { BELLWETHER_BACKEND: "etcd", BELLWETHER_ETCD_ENDPOINTS: nobody, BELLWETHER_KYE: "ab" }
      const { code, stderr } = yield* Process.run(["members"], env)
      assert.match(stderr, /^bellwether: BELLWETHER_KYE is no setting; allowed: BELLWETHER_KEY is the nearest name/)
      assert.strictEqual(code, 2)
    }))

  it.live.each(
    [
      [["--backend", "sql"], {}, 2, /^bellwether: --backend is "sql"; allowed: lan, etcd\n$/],
      [["members"], { BELLWETHER_BACKEND: "sql" }, 2, /^bellwether: BELLWETHER_BACKEND is sql; allowed: lan, etcd\n$/],
      [
        [],
        { BELLWETHER_BACKEND: "etcd" },
        2,
        /^bellwether: --endpoints is not given; allowed: .*BELLWETHER_ETCD_ENDPOINTS\n$/
      ],
      [
        ["--backend", "etcd", "--endpoints", "10.0.0.1:2379"],
        {},
        2,
        /^bellwether: --endpoints is "10\.0\.0\.1:2379"; allowed: /
      ],
      [
        ["--endpoints", nobody],
        {},
        2,
        /^bellwether: --endpoints is given with the backend lan; allowed: with --backend etcd\n$/
      ],
      [["members", "--etcd-prefix", "/a/"], {}, 2, /^bellwether: --etcd-prefix is given with the backend lan; /],
      [
        ["--backend", "etcd", "--endpoints", nobody, "--port", "5"],
        {},
        2,
        /^bellwether: --port is given with the backend etcd; /
      ],
      [
        ["--backend", "etcd", "--endpoints", nobody, "--lease-duration", "3s"],
        {},
        2,
        /^bellwether: --lease-duration is 3s; allowed: a duration of whole seconds from 6s to 1h\n$/
      ],
      [
        [],
        { BELLWETHER_BACKEND: "etcd", BELLWETHER_ETCD_ENDPOINTS: nobody, BELLWETHER_STOP_TIMEOUT: "9s" },
        2,
        /^bellwether: BELLWETHER_STOP_TIMEOUT is 9s; allowed: at most a third of leaseDuration, which is 10s/
      ],
      [
        ["--backend", "etcd", "--endpoints", nobody, "--advertise", "here"],
        {},
        2,
        /^bellwether: --advertise is here; allowed: an IP address and a port, such as 192\.0\.2\.1:8080\n$/
      ],
      [
        ["members", "--backend", "etcd", "--endpoints", nobody, "--etcd-ca-file", "/not/there"],
        {},
        2,
        /^bellwether: --etcd-ca-file is \/not\/there; allowed: a file that can be read\n$/
      ],
      [
        ["leader", "--backend", "etcd", "--endpoints", nobody, "--etcd-username", "bellwether"],
        {},
        2,
        /^bellwether: --etcd-username is bellwether; allowed: none without password\n$/
      ],
      [
        ["members", "--backend", "etcd", "--endpoints", nobody, "--this-host"],
        {},
        2,
        /^bellwether: --this-host is given with/
      ],
      [
        ["doctor", "--backend", "etcd", "--endpoints", nobody, "--watch", "1m"],
        {},
        2,
        /^bellwether: --watch is given with/
      ],
      [
        ["send", "1"],
        { BELLWETHER_BACKEND: "etcd" },
        2,
        /^bellwether: BELLWETHER_BACKEND is etcd; allowed: lan for send; /
      ],
      [
        ["watch"],
        { BELLWETHER_BACKEND: "etcd" },
        2,
        /^bellwether: BELLWETHER_BACKEND is etcd; allowed: lan for watch; or --url/
      ],
      [
        ["resign", "--at", "a"],
        { BELLWETHER_BACKEND: "etcd" },
        2,
        /^bellwether: BELLWETHER_BACKEND is etcd; .*HTTP API/
      ],
      [
        ["members", "--backend", "etcd", "--endpoints", nobody],
        {},
        3,
        /^bellwether: etcd does not answer: http:\/\/127\.0\.0\.1:9: /
      ],
      [["leader", "--backend", "etcd", "--endpoints", nobody], {}, 3, /^bellwether: etcd does not answer: /]
    ] as ReadonlyArray<readonly [ReadonlyArray<string>, Record<string, string>, number, RegExp]>
  )("%j with %j ends with %i and one line", ([args, env, code, line]) =>
    Effect.gen(function*() {
      const ended = yield* Process.run(args, env)
      assert.match(ended.stderr, line)
      assert.strictEqual(ended.stderr.trimEnd().split("\n").length, 1)
      assert.strictEqual(ended.stdout, "")
      assert.strictEqual(ended.code, code)
    }))

  it("reads variables that a server on a LAN passes over in silence, and no others", () => {
    const registries = { etcd: Object.keys(EtcdFlags.own), sql: SqlOptions.keys }
    const names = Object.entries(registries).flatMap(([registry, keys]) =>
      keys.filter((key) => key !== "leaseDuration").map((key) => RegistryConfig.nameOf(registry, key))
    )
    assert.sameMembers([...Elsewhere.names], ["BELLWETHER_BACKEND", "BELLWETHER_ADVERTISE", ...names])
  })

  it.live("tells a misspelt variable of etcd with the one that was meant", () =>
    Effect.gen(function*() {
      const { stderr } = yield* Process.run(["members"], {
        BELLWETHER_BACKEND: "etcd",
        BELLWETHER_ETCD_ENDPONTS: nobody
      })
      assert.include(
        stderr,
        "BELLWETHER_ETCD_ENDPONTS is no setting and was passed over; did you mean BELLWETHER_ETCD_ENDPOINTS?"
      )
    }))
})

const group = (nodes: ReadonlyArray<EtcdNodes.Node>, name: string) => ({
  BELLWETHER_BACKEND: "etcd",
  BELLWETHER_ETCD_ENDPOINTS: nodes.map(({ url }) => url).join(),
  BELLWETHER_GROUP: name,
  BELLWETHER_LEASE_DURATION: "6s",
  // Means nothing here, and is passed over.
  BELLWETHER_PORT: "16999"
})

const get = (url: string, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) })
    return { status: response.status, text: await response.text() }
  })

describe.skipIf(EtcdNodes.skip)(`servers in etcd${EtcdNodes.because}`, () => {
  it.live("find each other, and another leads when the leader is killed", () =>
    Effect.gen(function*() {
      const env = group(yield* EtcdNodes.make({ count: 1 }), "orders")
      assert.deepStrictEqual(yield* Process.run(["members"], env), {
        code: 0,
        stdout: `nobody is in the group orders in etcd at ${env.BELLWETHER_ETCD_ENDPOINTS}\n`,
        stderr: ""
      })
      const high = yield* Process.start(["--json", "--name", "high", "--priority", "5"], env)
      const led = yield* high.event("LeaderChanged", ({ leader }) => leader?.priority === 5)
      const low = yield* Process.start(["serve", "--json", "--name", "low", "--advertise", "192.0.2.7:80"], env)
      yield* low.event("LeaderChanged", ({ leader, term }) => leader?.priority === 5 && term === led.term)
      yield* high.event("MemberJoined", ({ member, via }) => member.name === "low" && via === "registry")

      const members = yield* Process.run(["members"], env)
      assert.match(members.stdout, /^ +NAME +ID +ADDRESS +PRIORITY +AGE +TERM +HOST\n/)
      assert.match(
        members.stdout,
        /^\* high +[0-9a-f]{16} +no address +5 .*\n +low +[0-9a-f]{16} +192\.0\.2\.7:80 +0 /m
      )
      const leader = JSON.parse((yield* Process.run(["leader", "--json"], env)).stdout)
      assert.deepInclude(leader, { term: led.term, answeredBy: null })
      assert.deepInclude(leader.leader, { name: "high", id: led.leader?.id })
      assert.deepStrictEqual(
        JSON.parse((yield* Process.run(["members", "--json"], env)).stdout).members.map(({ name }: { name: string }) =>
          name
        ),
        ["high", "low"]
      )

      yield* high.kill("SIGKILL")
      yield* low.event(
        "MemberRemoved",
        ({ member, reason }) => member.name === "high" && reason._tag === "Silent" && reason.lastHeardOn === "registry"
      )
      yield* low.event("LeaderChanged", ({ leader, term }) => leader?.priority === 0 && term > led.term)
      yield* low.kill("SIGTERM")
      assert.strictEqual((yield* low.ended).code, 0)
      assert.include((yield* Process.run(["leader"], env)).stdout, "nobody leads")
    }))

  it.live("have a page without what etcd cannot do, metrics, and can be told over HTTP to resign", () =>
    Effect.gen(function*() {
      const env = group(yield* EtcdNodes.make({ count: 1 }), "orders")
      const token = "0123456789abcdef0123456789abcdef"
      const one = yield* Process.start(["--log-format", "logfmt"], {
        ...env,
        BELLWETHER_HTTP: "127.0.0.1:0",
        BELLWETHER_HTTP_TOKEN: token
      })
      const url = yield* one.until(() => /the page is at (http:\/\/[\w.:]+)/.exec(one.stderr)?.[1])
      yield* one.until(() => /event=LeaderChanged/.exec(one.stderr)?.[0])
      const status = JSON.parse((yield* get(url, "/api/group")).text)
      assert.deepInclude(status, { backend: "etcd", sends: false, phase: "Live", group: "orders" })
      assert.hasAnyKeys(status.settings, ["leaseDuration"])
      assert.doesNotHaveAnyKeys(status.settings, ["port", "heartbeatInterval", "multicastAddress", "leadership"])
      const metrics = (yield* get(url, "/metrics")).text
      assert.match(metrics, /^bellwether_info\{.*leadership="etcd".*\} 1$/m)
      assert.match(metrics, /^bellwether_leader\{.*\} 1$/m)
      assert.notMatch(metrics, /datagrams|client_messages|votes_in|heartbeat/)
      assert.strictEqual((yield* get(url, "/health/ready")).status, 200)
      assert.strictEqual((yield* get(url, "/health/leader")).status, 200)
      const post = (path: string, body?: object) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, {
            method: "POST",
            headers: {
              authorization: `Bearer ${token}`,
              ...body === undefined ? {} : { "content-type": "application/json" }
            },
            ...body === undefined ? {} : { body: JSON.stringify(body) }
          })
          return { status: response.status, text: await response.text() }
        })
      const sent = yield* post("/api/messages", { body: "hello" })
      assert.strictEqual(sent.status, 422, sent.text)
      assert.include(sent.text, "its backend carries none")
      assert.strictEqual((yield* post("/api/leadership/step-down", { for: "1 minute" })).status, 204)
      yield* Effect.repeat(get(url, "/health/leader"), { until: ({ status }) => status === 503 })
    }))

  it.live.skipIf(!Tmux.isThere)(
    "say on a terminal where the group is, and that nothing is known while etcd hangs",
    () =>
      Effect.gen(function*() {
        const [node] = yield* EtcdNodes.make({ count: 1 })
        const terminals = yield* Tmux.terminals
        const shell = Tmux.command("--name", "one", "--lease-duration", "6s")
        terminals.start("one", 110, { ...group([node!], "orders") }, shell)
        yield* terminals.see("one", (lines) => lines.some((line) => line.startsWith("We lead, term ")))
        const [head = "", self = ""] = terminals.screen("one")
        assert.include(head, `Bellwether  group orders  in etcd at ${node!.url}  profile standard  1 server`)
        assert.match(self, /^We are one \([0-9a-f]{16}\) at no address, priority 0$/)
        yield* node!.freeze
        yield* terminals.see("one", (lines) => lines.some((line) => line.startsWith("NOT CURRENT: ")))
        yield* terminals.see("one", (lines) => lines.some((line) => line.startsWith("Nobody leads; ")))
        yield* node!.thaw
        yield* terminals.see("one", (lines) =>
          lines.some((line) =>
            line.startsWith("We lead, term ")
          ) && !lines.some((line) => line.startsWith("NOT CURRENT")))
        terminals.type("one", "C-c")
      })
  )
})

/** The settings of `deploy/kubernetes-etcd.yaml`, by the variables of its ConfigMap and of its container. */
const manifest = () => {
  const documents = Kubernetes.documents(Kubernetes.text("kubernetes-etcd.yaml"))
  const of = (kind: string) => documents.find((document) => document.kind === kind)
  const { data } = of("ConfigMap") as unknown as { readonly data: Record<string, string> }
  const container = Kubernetes.containerOf(of("Deployment") as unknown as Kubernetes.Workload)
  return { data, container }
}

describe.skipIf(EtcdNodes.skip)(`a Deployment of servers in etcd${EtcdNodes.because}`, () => {
  it("names settings that there are", () => {
    const { container, data } = manifest()
    const named = [...Object.keys(data), ...container.env.map(({ name }) => name)]
    assert.includeMembers(
      [...Settings.keys.map(Settings.environmentName), ...Elsewhere.names, "POD_IP"],
      named
    )
  })

  it.live("is ready by its probe, and hands the lead over when a pod is ended", () =>
    Effect.gen(function*() {
      const [node] = yield* EtcdNodes.make({ count: 1 })
      const { container, data } = manifest()
      const pod = (name: string, at: number) =>
        Process.start(["--log-format", "logfmt"], {
          ...data,
          BELLWETHER_ETCD_ENDPOINTS: node!.url,
          BELLWETHER_ETCD_USERNAME: "bellwether",
          // Where there is no authentication the name and the password are passed over.
          BELLWETHER_ETCD_PASSWORD: "none",
          BELLWETHER_ETCD_CA_FILE: "/dev/null",
          BELLWETHER_HTTP: "127.0.0.1:0",
          BELLWETHER_NAME: name,
          BELLWETHER_ADVERTISE: (container.env.find(({ name }) => name === "BELLWETHER_ADVERTISE")?.value ?? "")
            .replace("$(POD_IP)", `192.0.2.${at}`)
        })
      const urlOf = (one: Process.Running) => one.until(() => /the page is at (http:\/\/[\w.:]+)/.exec(one.stderr)?.[1])
      const first = yield* pod("orders-a", 1)
      const url = yield* urlOf(first)
      yield* Effect.repeat(get(url, "/health/leader"), { until: ({ status }) => status === 200 })
      const second = yield* pod("orders-b", 2)
      const other = yield* urlOf(second)
      yield* Effect.repeat(get(other, container.readinessProbe.httpGet.path), { until: ({ status }) => status === 200 })
      assert.strictEqual((yield* get(other, "/health/leader")).status, 503)
      assert.strictEqual((yield* get(other, container.livenessProbe.httpGet.path)).status, 200)
      assert.deepStrictEqual(
        JSON.parse((yield* get(other, "/api/group")).text).members.map(({ ip, port }: { ip: string; port: number }) =>
          `${ip}:${port}`
        ),
        ["192.0.2.1:7780", "192.0.2.2:7780"]
      )
      yield* first.kill("SIGTERM")
      // Within a second or two, and not after the lease of 10 s.
      const led = yield* Effect.timed(
        Effect.repeat(get(other, "/health/leader"), { until: ({ status }) => status === 200 })
      )
      assert.isBelow(Duration.toSeconds(led[0]), 8)
      assert.strictEqual((yield* first.ended).code, 0)
    }))
})

describe.skipIf(EtcdNodes.skip)(`doctor of etcd${EtcdNodes.because}`, () => {
  const kinds = (stdout: string): ReadonlyArray<string> =>
    JSON.parse(stdout).findings.map(({ finding }: { readonly finding: string }) => finding)
      // By the version that is installed.
      .filter((finding: string) => !["EtcdEndsLeasesEarly", "EtcdSlow"].includes(finding))

  it.live("finds three nodes well, and a lease that ends when it should; then no majority", () =>
    Effect.gen(function*() {
      const nodes = yield* EtcdNodes.make()
      const env = group(nodes, "orders")
      const one = yield* Process.start(["--json", "--name", "one"], env)
      yield* one.event("LeaderChanged")
      const well = yield* Process.run(["doctor"], env)
      assert.strictEqual(well.code, 0, well.stdout)
      assert.match(
        well.stdout,
        /^ {2}\+ http:\/\/127\.0\.0\.1:\d+: etcd \d+\.\d+\.\d+, (leads|follows), answered in \d+ ms$/m
      )
      assert.match(well.stdout, /^ {2}\+ one no address: leads$/m)
      assert.match(well.stdout, /^Healthy: etcd can keep this group\.$/m)
      const { observations } = JSON.parse((yield* Process.run(["doctor", "--json"], env)).stdout)
      assert.strictEqual(observations.endpoints.length, 3)
      assert.isAtLeast(observations.lease.ended.gone, observations.lease.ttl)

      for (const node of nodes.slice(1)) yield* node.kill
      const broken = yield* Process.run(["doctor", "--json"], env)
      assert.strictEqual(broken.code, 1)
      assert.deepStrictEqual(kinds(broken.stdout), ["EtcdAway", "EtcdNoQuorum"])
    }))

  it.live("tells clusters apart, and an endpoint that is none of etcd's", () =>
    Effect.gen(function*() {
      const [one] = yield* EtcdNodes.make({ count: 1 })
      const [other] = yield* EtcdNodes.make({ count: 1 })
      const both = yield* Process.run(["doctor", "--json"], group([one!, other!], "orders"))
      assert.strictEqual(both.code, 1)
      assert.deepStrictEqual(kinds(both.stdout), ["EtcdClusters"])
      const tls = yield* Process.run(
        ["doctor", "--json", "--endpoints", one!.url.replace("http:", "https:")],
        group([one!], "orders")
      )
      assert.strictEqual(tls.code, 1)
      assert.deepStrictEqual(kinds(tls.stdout), ["EtcdAway"])
    }))

  it.live.skipIf(Certificates.skip)(
    "tells a certificate that is not believed here, and one that is missing there",
    () =>
      Effect.gen(function*() {
        const directory = yield* Certificates.temporary
        const ca = Certificates.authority(directory)
        const [server, client] = ["server", "client"].map((name) => Certificates.sign(directory, name))
        const ours = { caFile: ca.certFile, certFile: client!.certFile, keyFile: client!.keyFile }
        const [node] = yield* EtcdNodes.make({
          count: 1,
          scheme: "https",
          flags: [
            "--cert-file",
            server!.certFile,
            "--key-file",
            server!.keyFile,
            "--client-cert-auth",
            "--trusted-ca-file",
            ca.certFile
          ],
          isReady: Certificates.answersTo({ ca: ca.cert, cert: client!.cert, key: client!.key })
        })
        const found = Effect.fnUntraced(function*(...flags: ReadonlyArray<string>) {
          const { code, stdout } = yield* Process.run(["doctor", "--json", ...flags], group([node!], "orders"))
          return [code, ...kinds(stdout)]
        })
        assert.deepStrictEqual(yield* found(), [1, "EtcdUntrusted"])
        assert.deepStrictEqual(yield* found("--etcd-ca-file", ours.caFile), [1, "EtcdUntrusted"])
        assert.deepStrictEqual(
          yield* found(
            "--etcd-ca-file",
            ours.caFile,
            "--etcd-cert-file",
            ours.certFile,
            "--etcd-key-file",
            ours.keyFile
          ),
          [0]
        )
      })
  )

  it.live("tells a gateway that is off", () =>
    Effect.gen(function*() {
      const [node] = yield* EtcdNodes.make({
        count: 1,
        flags: ["--enable-grpc-gateway=false"],
        isReady: (url) => fetch(`${url}/version`).then(({ ok }) => ok, () => false)
      })
      const env = group([node!], "orders")
      const found = yield* Process.run(["doctor", "--json"], env)
      assert.deepStrictEqual([found.code, ...kinds(found.stdout)], [1, "EtcdGatewayOff"])
      const refused = yield* Process.run(["serve"], env)
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /^bellwether: etcd at http.*enable-grpc-gateway: true/)
    }))

  it.live("tells a missing name, a wrong password and a missing right", () =>
    Effect.gen(function*() {
      const [node] = yield* EtcdNodes.make({ count: 1 })
      yield* Effect.promise(() => EtcdNodes.secure(node!.url))
      const env = group([node!], "orders")
      const found = Effect.fnUntraced(function*(more: Record<string, string>, ...flags: ReadonlyArray<string>) {
        const { code, stdout } = yield* Process.run(["doctor", "--json", "--timeout", "10s", ...flags], {
          ...env,
          ...more
        })
        assert.notInclude(stdout, "bellwether's")
        return [code, ...kinds(stdout)]
      })
      const user = { BELLWETHER_ETCD_USERNAME: "bellwether", BELLWETHER_ETCD_PASSWORD: "bellwether's" }
      assert.deepStrictEqual(yield* found({}), [1, "EtcdLoginMissing"])
      assert.deepStrictEqual(yield* found({ ...user, BELLWETHER_ETCD_PASSWORD: "x" }), [1, "EtcdLoginRefused"])
      assert.deepStrictEqual(yield* found(user, "--etcd-prefix", "/others/"), [1, "EtcdNoRight"])
      assert.deepStrictEqual(yield* found(user), [0])
      const refused = yield* Process.run(["members"], env)
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /^bellwether: etcd refuses: .*user name is empty/)
      assert.strictEqual((yield* Process.run(["members", "--timeout", "10s"], { ...env, ...user })).code, 0)
    }))
})
