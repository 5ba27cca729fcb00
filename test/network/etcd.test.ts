/** Apps on hosts of their own, with their group in three nodes of etcd on others, and a network between them that fails. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as Path from "node:path"
import type { Write } from "../backend/FencedStore.ts"
import * as Process from "../cli/process.ts"
import * as EtcdNodes from "../etcd/EtcdNodes.ts"
import * as Lan from "./Lan.ts"

interface Line {
  readonly at: number
  readonly leads?: string
  readonly ended?: string
  readonly members?: ReadonlyArray<string>
  readonly follows?: string | null
  /** An event of its group. */
  readonly told?: object
}

const names = ["high", "middle", "low"] as const

/** What a process has said in lines of JSON, each read once. */
const linesOf = <A>(process: Process.Running, of: (text: string) => A): () => ReadonlyArray<A> => {
  const lines: Array<A> = []
  let read = 0
  return () => {
    for (let end = process.stdout.indexOf("\n", read); end >= 0; end = process.stdout.indexOf("\n", read)) {
      const text = process.stdout.slice(read, end)
      // Whatever else it says is its log.
      if (text.startsWith("{")) lines.push(of(text))
      read = end + 1
    }
    return lines
  }
}

const enter = (host: Lan.Host) => ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", host.name] as const

const startOn = (host: Lan.Host, file: string, env: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const [command, ...words] = [...enter(host), process.execPath, file] as const
      const child = spawn(command, words, {
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      return new Process.Running(child)
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const asking = `
const [url, body, within] = process.argv.slice(1)
const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(Number(within)) })
console.log(await response.text())
`

/** A node of etcd is asked from its own host. */
const placeOn = (host: Lan.Host, ip: string): EtcdNodes.Place => ({
  ip,
  enter: enter(host),
  post: async (url, path, body, within = 30_000) => {
    const words = ["--input-type=module", "--eval", asking, `${url}${path}`, JSON.stringify(body), String(within)]
    return JSON.parse(await Effect.runPromise(host.run(process.execPath, ...words))) as EtcdNodes.Answer
  }
})

/** An app, the host that it runs on, and what it has said. */
interface App {
  readonly name: string
  readonly host: Lan.Host
  readonly running: Process.Running
  readonly lines: () => ReadonlyArray<Line>
}

const viewOf = ({ lines }: App) => lines().findLast(({ members }) => members !== undefined)

/** All of them are members to each of them, and one leads. */
const together = (apps: ReadonlyArray<App>, leader: string) =>
  Effect.forEach(apps, (app) =>
    app.running.until(() => {
      const view = viewOf(app)
      const members = apps.map(({ name }) => name).toSorted().join()
      return view?.members?.join() === members && view.follows === leader ? view : undefined
    }), { discard: true })

const started = Effect.fnUntraced(function*(leaseDuration: string) {
  const lan = yield* Lan.make
  const etcdHosts = yield* Effect.forEach(
    [11, 12, 13],
    (last) => Effect.map(lan.hostAt(`192.0.2.${last}/24`), (host) => ({ host, ip: `192.0.2.${last}` }))
  )
  const nodes = yield* EtcdNodes.make({ places: etcdHosts.map(({ host, ip }) => placeOn(host, ip)) })
  const storeHost = yield* lan.host
  yield* storeHost.plug("eth0", "br1", ["198.51.100.9/24"])
  const bundled = (file: string) => Process.bundled(Path.resolve(import.meta.dirname, file))
  const storing = yield* startOn(storeHost, yield* bundled("store.process.ts"), { IP: "198.51.100.9" })
  const said = linesOf(storing, (text) => JSON.parse(text) as Write & { readonly url?: string })
  const url = yield* storing.until(() => said()[0]?.url)
  const writes = () => said().slice(1)
  const program = yield* bundled("etcd.process.ts")
  const hosts = yield* Effect.forEach(names, (_, at) =>
    Effect.tap(
      lan.hostAt(`192.0.2.${at + 1}/24`),
      (host) => host.plug("eth1", "br1", [`198.51.100.${at + 1}/24`])
    ))
  /** Each asks the first of these first, and the second tells it of changes. */
  const start = Effect.fnUntraced(function*(at: number, endpoints: ReadonlyArray<EtcdNodes.Node>) {
    const [host, name] = [hosts[at]!, names[at]!]
    const running = yield* startOn(host, program, {
      STORE: url,
      BELLWETHER_GROUP: "orders",
      BELLWETHER_NAME: name,
      BELLWETHER_PRIORITY: String(names.length - at),
      BELLWETHER_LEASE_DURATION: leaseDuration,
      BELLWETHER_ETCD_ENDPOINTS: endpoints.map((node) => node.url).join()
    })
    const app: App = { name, host, running, lines: linesOf(running, (text) => JSON.parse(text) as Line) }
    return app
  })
  /** The token of a write that was accepted, above another one. */
  const written = (above = "") =>
    storing.until(() => writes().find(({ accepted, token }) => accepted && token > above)?.token)
  return { etcdHosts, nodes, start, storing, writes, written }
})

/** How a host is cut off from etcd, and is back. It reaches the store all the time. */
const cuts: ReadonlyArray<{
  readonly how: string
  readonly cut: (host: Lan.Host) => Effect.Effect<unknown>
  readonly heal: (host: Lan.Host) => Effect.Effect<unknown>
}> = [
  {
    how: "its packets are lost",
    cut: Effect.fnUntraced(function*(host) {
      yield* host.run("iptables", "-w", "-A", "INPUT", "-i", "eth0", "-j", "DROP")
      yield* host.run("iptables", "-w", "-A", "OUTPUT", "-o", "eth0", "-j", "DROP")
    }),
    heal: (host) => host.run("iptables", "-w", "-F")
  },
  {
    how: "its link goes down",
    cut: (host) => host.ip("link set eth0 down"),
    heal: (host) => host.ip("link set eth0 up")
  }
]

const skip = Lan.skip || EtcdNodes.skip

describe.skipIf(skip)(
  `apps with their group in etcd on other hosts${Lan.because}${EtcdNodes.because}`,
  Lan.together,
  () => {
    it.live("a leader that is cut off from etcd ends its work before another one leads, and is a member again when it is back", () =>
      Effect.scoped(Effect.gen(function*() {
        const { nodes, start, writes, written } = yield* started("6s")
        const high = yield* start(0, nodes)
        let token = yield* written()
        const others = yield* Effect.forEach([1, 2], (at) => start(at, [...nodes.slice(at), ...nodes.slice(0, at)]))
        const apps = [high, ...others]
        yield* together(apps, "high")
        for (const { cut, heal, how } of cuts) {
          const former = token
          const before = writes().length
          yield* cut(high.host)
          const { at: ended } = yield* high.running.until(() => high.lines().find((line) => line.ended === former))
          const next = yield* Effect.raceAll(
            others.map(({ lines, running }) =>
              running.until(() => lines().find(({ leads }) => leads !== undefined && leads > former))
            )
          )
          assert.isBelow(ended, next.at, `${how}: it had ended when another one began`)
          assert.strictEqual(yield* written(former), next.leads)
          assert.include(
            writes().slice(before).map((write) => write.token),
            former,
            `${how}: it wrote while it was cut off`
          )
          yield* heal(high.host)
          // It is the highest ranked, and takes the lead once it is back.
          token = yield* written(next.leads)
          yield* together(apps, "high")
        }
        const tokens = writes().map((write) => write.token)
        assert.deepStrictEqual(tokens, tokens.toSorted(), "nothing came with an old token after a newer one")
        assert.deepStrictEqual(writes().filter(({ accepted }) => !accepted), [])
        assert.strictEqual(new Set(tokens).size, 1 + 2 * cuts.length)
      })))

    it.live("where etcd's own leader is cut off from its peers, those who asked it go on by the others", () =>
      Effect.scoped(Effect.gen(function*() {
        // On a busy host etcd's elections, when the node is cut off and when it is back, take most of a shorter lease.
        const { etcdHosts, nodes, start, writes, written } = yield* started("20s")
        const { leader, others } = yield* EtcdNodes.leaderOf(nodes)
        const { host } = etcdHosts[nodes.indexOf(leader)]!
        const [one, two] = others as [EtcdNodes.Node, EtcdNodes.Node]
        // The leader asks the node that is cut off, the lowest is told of changes by it.
        const high = yield* start(0, [leader, one, two])
        const token = yield* written()
        const middle = yield* start(1, [one, two, leader])
        const low = yield* start(2, [two, leader, one])
        yield* together([high, middle, low], "high")
        const before = low.lines().length
        for (const { ip } of etcdHosts) {
          if (leader.url.includes(ip)) continue
          yield* host.run("iptables", "-w", "-A", "INPUT", "-s", ip, "-j", "DROP")
          yield* host.run("iptables", "-w", "-A", "OUTPUT", "-d", ip, "-j", "DROP")
        }
        // It is a member for as long as its lease lasts: whoever sees it gone has been told by another node, and has renewed since.
        yield* middle.running.kill("SIGKILL")
        yield* together([high, low], "high")
        yield* EtcdNodes.leaderOf(others)
        yield* host.run("iptables", "-w", "-F")
        const again = yield* start(1, [one, two, leader])
        yield* together([high, again, low], "high")
        assert.deepStrictEqual(
          [...new Set(writes().map((write) => write.token))],
          [token],
          `one leader all the time: ${high.running.stdout}`
        )
        assert.deepStrictEqual(
          low.lines().slice(before).filter(({ follows }) => follows !== undefined && follows !== "high"),
          []
        )
      })))
  }
)
