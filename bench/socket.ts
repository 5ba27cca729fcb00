/**
 * `npm run bench -- socket [MEMBERS] [SECONDS]`: what hearing a heartbeat costs through a real socket, beside what a bare
 * `node:dgram` callback that only counts costs, in turn in one run. Another process sends as fast as it can, from a socket for each
 * member. Costs are CPU of the hearing process for each datagram heard, so that it does not matter who was the slower.
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { createSocket, type Socket } from "node:dgram"
import { fileURLToPath } from "node:url"
import * as NodeServer from "../src/NodeServer.ts"
import * as Member from "../src/protocol/model/Member.ts"
import * as Server from "../src/server/Server.ts"
import * as Heartbeats from "./heartbeats.ts"
import { freePort, groupAddress, openedToGroup } from "./loopback.ts"
import * as Spread from "./spread.ts"

const rounds = 3

interface Order {
  readonly port: number
  readonly members: number
  readonly group: string
  readonly self: Pick<Member.Member, "id" | "incarnation">
}

/** The process that sends, until it is ended: heartbeats that are made before. */
const flood = async ({ group, members, port, self }: Order): Promise<void> => {
  const sockets: Array<Socket> = []
  for (let at = 0; at < members; at++) sockets.push(await openedToGroup())
  const heartbeats = Heartbeats.make({
    members,
    group,
    self,
    isSealed: false,
    places: (at) => ({ ip: "127.0.0.1", port: sockets[at]!.address().port })
  })
  const signs = Math.max(2, Math.ceil(2_000 / members))
  const frames = Array.from(
    { length: members * signs },
    (_, n) => heartbeats.frame(n % members, 1 + Math.floor(n / members))
  )
  // Nobody is left to hear them.
  process.once("disconnect", () => process.exit())
  let next = 0
  const some = () => {
    for (let n = 0; n < 64; n++, next++) {
      sockets[next % members]!.send(frames[next % frames.length]!, port, groupAddress)
    }
    setImmediate(some)
  }
  some()
}

/** For so many seconds: µs of CPU for each datagram, and how many came. */
const heard = async (seconds: number, count: () => number) => {
  const before = { count: count(), cpu: process.cpuUsage() }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const { system, user } = process.cpuUsage(before.cpu)
  const came = count() - before.count
  return { micros: (system + user) / came, perSecond: came / seconds }
}

const bare = async (port: number, seconds: number) => {
  let count = 0
  const socket = createSocket({ type: "udp4", reuseAddr: true })
  socket.on("message", () => count += 1)
  await new Promise<void>((resolve) => socket.bind(port, () => resolve()))
  socket.addMembership(groupAddress, "127.0.0.1")
  const figures = await heard(seconds, () => count)
  socket.close()
  return figures
}

const sender = (order: Order): ChildProcess =>
  fork(fileURLToPath(new URL("./run.ts", import.meta.url)), ["socket", JSON.stringify(order)])

const nobody: Order["self"] = { id: Member.NodeId.make("00000000000000ff"), incarnation: 1 }

const ended = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    child.once("exit", () => resolve())
    child.kill("SIGKILL")
  })

/** A whole server hears them, once it knows all. */
const served = (order: Omit<Order, "self">, seconds: number) =>
  Effect.gen(function*() {
    const { group, members, port } = order
    const server = yield* Server.make({ group, port, interfaces: ["lo"], ttl: 0, maxMembers: 65_535 })
    const child = sender({ ...order, self: yield* server.group.self })
    while ((yield* server.group.members).length < members + 1) yield* Effect.sleep("20 millis")
    yield* Effect.sleep("2 seconds")
    const count = Effect.map(server.group.counters, ({ datagrams }) => datagrams.received)
    const runSync = Effect.runSyncWith(yield* Effect.context())
    const figures = yield* Effect.promise(() => heard(seconds, () => runSync(count)))
    yield* Effect.promise(() => ended(child))
    return { ...figures, dropped: yield* server.group.dropped }
  }).pipe(Effect.scoped, Effect.provide(NodeServer.layerDatagrams))

export const socket = async ([first = "1000", seconds = "3"]: ReadonlyArray<string>): Promise<void> => {
  if (first.startsWith("{")) return flood(JSON.parse(first) as Order)
  const order = { members: Number(first), group: `bench-${process.pid}` }
  const costs = { bare: [] as Array<number>, server: [] as Array<number> }
  for (let round = 0; round < rounds; round++) {
    const port = await Effect.runPromise(freePort)
    const child = sender({ ...order, port, self: nobody })
    const counted = await bare(port, Number(seconds))
    await ended(child)
    costs.bare.push(counted.micros)
    const whole = await Effect.runPromise(served({ ...order, port }, Number(seconds)))
    costs.server.push(whole.micros)
    process.stderr.write(`${JSON.stringify({ bare: counted, server: whole })}\n`)
  }
  const [callback, server] = [Spread.of(costs.bare), Spread.of(costs.server)]
  process.stdout.write(`| members | bare callback, µs | server, µs | ratio |\n| --- | --- | --- | --- |\n`)
  process.stdout.write(
    `| ${order.members} | ${callback.median.toFixed(2)} | ${server.median.toFixed(2)} | ${
      (callback.median / server.median).toFixed(2)
    } |\n`
  )
  process.stdout.write(`${JSON.stringify({ bench: "socket", members: order.members, callback, server })}\n`)
}
