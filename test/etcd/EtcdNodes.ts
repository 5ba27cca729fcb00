/** Real nodes of etcd, on loopback at ports of the test's own or each on a host of its own, with what may befall them. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

const isMissing = spawnSync("etcd", ["--version"]).status !== 0

/** In a CI there is no excuse. */
export const skip = isMissing && process.env["CI"] !== "true"

export const because = skip ? " (etcd is not installed)" : ""

export interface Node {
  readonly url: string
  readonly kill: Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Starts it again with what it had on disk. */
  readonly start: Effect.Effect<void>
  readonly isLeader: Effect.Effect<boolean>
}

/** The host that one node runs on. */
export interface Place {
  readonly ip: string
  /** The command that leads there, in front of the node's own. */
  readonly enter: ReadonlyArray<string>
  /** Asks etcd from there. */
  readonly post: Post
}

export interface Options {
  /** Flags besides, as those of TLS. */
  readonly flags?: ReadonlyArray<string>
  readonly scheme?: "http" | "https"
  readonly count?: number
  /** Whether one that speaks for itself answers. */
  readonly isReady?: (url: string) => Promise<boolean>
  /** One node at each, in place of loopback. */
  readonly places?: ReadonlyArray<Place>
}

/** Ports that nothing listens at now. */
const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = await Promise.all(
    Array.from({ length: count }, () =>
      new Promise<ReturnType<typeof createServer>>((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => resolve(server))
      }))
  )
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export interface Answer {
  readonly header: { readonly member_id: string } | undefined
  readonly leader?: string
}

/** Asks a node, for so many ms at most. */
export type Post = (url: string, path: string, body: object, within?: number) => Promise<Answer>

export const post: Post = async (url, path, body, within = 30_000) => {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(within)
  })
  return await response.json() as Answer
}

const answers = (url: string, by: Post) =>
  by(url, "/v3/kv/range", { key: "YQ==" }, 1_000).then(({ header }) => header !== undefined, () => false)

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 50))
}

const run = ([command = "", ...words]: ReadonlyArray<string>) => {
  let child: ChildProcess | undefined
  const start = () => {
    child = spawn(command, words, { stdio: "ignore", env: { PATH: process.env["PATH"] } })
  }
  const end = () =>
    new Promise<void>((resolve) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
      child.once("exit", () => resolve())
      child.kill("SIGKILL")
    })
  start()
  return { start, end, signal: (signal: NodeJS.Signals) => void child?.kill(signal) }
}

/** Where each node is reached, and by what it is started and asked. */
interface Reached {
  readonly client: string
  readonly peer: string
  readonly enter: ReadonlyArray<string>
  readonly post: Post
}

const onLoopback = async (count: number, scheme: string): Promise<ReadonlyArray<Reached>> => {
  const ports = await freePorts(2 * count)
  return Array.from({ length: count }, (_, at) => ({
    client: `${scheme}://127.0.0.1:${ports[2 * at]}`,
    peer: `http://127.0.0.1:${ports[2 * at + 1]}`,
    enter: [],
    post
  }))
}

const on = ({ enter, ip, post }: Place): Reached => ({
  client: `http://${ip}:2379`,
  peer: `http://${ip}:2380`,
  enter,
  post
})

/** They are ended with the scope. */
export const make = Effect.fnUntraced(function*(
  { count = 3, flags = [], isReady, places, scheme = "http" }: Options = {}
): Effect.fn.Return<ReadonlyArray<Node>, never, Scope.Scope> {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bellwether-etcd-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
  const reached = places?.map(on) ?? (yield* Effect.promise(() => onLoopback(count, scheme)))
  const names = reached.map((one, at) => ({ ...one, name: `n${at}` }))
  const nodes = yield* Effect.forEach(
    names,
    Effect.fnUntraced(function*({ client, enter, name, peer, post }) {
      const command = [
        ...enter,
        "etcd",
        "--name",
        name,
        "--data-dir",
        join(directory, name),
        "--listen-client-urls",
        client,
        "--advertise-client-urls",
        client,
        "--listen-peer-urls",
        peer,
        "--initial-advertise-peer-urls",
        peer,
        "--initial-cluster",
        names.map((one) => `${one.name}=${one.peer}`).join(),
        "--initial-cluster-token",
        directory,
        "--initial-cluster-state",
        "new",
        // Its promises about power failures are none of a test's, and other tests wait for the disk.
        "--unsafe-no-fsync",
        "--logger",
        "zap",
        "--log-level",
        "error",
        ...flags
      ]
      const child = yield* Effect.acquireRelease(Effect.sync(() => run(command)), ({ end }) => Effect.promise(end))
      const signal = (signal: NodeJS.Signals) => Effect.sync(() => child.signal(signal))
      const node: Node = {
        url: client,
        kill: Effect.promise(child.end),
        freeze: signal("SIGSTOP"),
        thaw: signal("SIGCONT"),
        start: Effect.sync(child.start),
        isLeader: Effect.promise(() =>
          post(client, "/v3/maintenance/status", {}, 1_000).then(
            ({ header, leader }) => leader !== undefined && leader === header?.member_id,
            () => false
          )
        )
      }
      return node
    })
  )
  yield* Effect.promise(() =>
    Promise.all(reached.map(({ client, post }) => until(() => isReady?.(client) ?? answers(client, post))))
  )
  return nodes
})

/** The node that leads now, and the others. */
export const leaderOf = Effect.fnUntraced(function*(
  nodes: ReadonlyArray<Node>
): Effect.fn.Return<{ readonly leader: Node; readonly others: ReadonlyArray<Node> }> {
  while (true) {
    const leading = yield* Effect.forEach(nodes, ({ isLeader }) => isLeader, { concurrency: "unbounded" })
    const leader = nodes[leading.indexOf(true)]
    if (leader !== undefined) return { leader, others: nodes.filter((node) => node !== leader) }
    yield* Effect.sleep("50 millis")
  }
})

/** What an operator does by `etcdctl`: a user with the right to one prefix, and authentication on. */
export const secure = async (url: string) => {
  const base64 = (text: string) => Buffer.from(text).toString("base64")
  const auth = (path: string, body: object) => post(url, `/v3/auth/${path}`, body)
  for (const name of ["root", "bellwether"]) await auth("user/add", { name, password: `${name}'s` })
  for (const name of ["root", "bellwether"]) await auth("role/add", { name })
  const perm = { permType: "READWRITE", key: base64("/bellwether/"), range_end: base64("/bellwether0") }
  await auth("role/grant", { name: "bellwether", perm })
  for (const name of ["root", "bellwether"]) await auth("user/grant", { user: name, role: name })
  await auth("enable", {})
}
