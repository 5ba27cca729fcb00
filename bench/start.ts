/**
 * `npm run bench -- start [ROUNDS]`: how long `serve` takes from its start to its first datagram, to its first line and to its end after
 * SIGTERM, by turns with a Node that does nothing; and how long five that start at once take until each sees all.
 *
 * Times are in ms, the median of all rounds (20), with the least and the greatest. `CPU` is that of the main thread when the first datagram
 * has come, of a Node that does nothing all there was: unlike a time it hardly depends on what else the machine does. Needs Linux.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { createSocket, type Socket } from "node:dgram"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import * as Settings from "../src/settings/Settings.ts"
import { environment, freePort } from "./loopback.ts"
import * as Usage from "./usage.ts"

const size = 5

const listenTo = (port: number) =>
  new Promise<Socket>((resolve) => {
    const socket = createSocket({ type: "udp4", reuseAddr: true })
    socket.bind(port, "0.0.0.0", () => {
      for (const { ip } of Settings.settings.multicastAddress.default("standard")) socket.addMembership(ip, "127.0.0.1")
      resolve(socket)
    })
  })

/** Node from its start until it says what it has used. */
const nothing = () =>
  new Promise<{ readonly end: number; readonly cpu: number }>((resolve) => {
    const begun = performance.now()
    const child = spawn(process.execPath, ["-p", "process.cpuUsage().user + process.cpuUsage().system"])
    let cpu = 0
    child.stdout.once("data", (text) => {
      cpu = Number(text) / 1_000
    })
    child.once("close", () => resolve({ end: performance.now() - begun, cpu }))
  })

const one = async (socket: Socket, env: NodeJS.ProcessEnv) => {
  const begun = performance.now()
  const since = () => performance.now() - begun
  const child = Usage.start(["serve", "--json"], { env, stdio: ["ignore", "pipe", "inherit"] })
  const line = new Promise<number>((resolve) => child.stdout!.once("data", () => resolve(since())))
  const datagram = await new Promise<{ readonly at: number; readonly cpu: number }>((resolve) =>
    socket.once("message", () => resolve({ at: since(), cpu: Usage.of(child.pid!).mainCpu * 1_000 }))
  )
  const first = await line
  const told = performance.now()
  await Usage.end([child])
  return { datagram: datagram.at, cpu: datagram.cpu, line: first, end: performance.now() - told }
}

/** From the start of the first of some until each has said that it sees all others. */
const together = async (env: NodeJS.ProcessEnv) => {
  const begun = performance.now()
  const children = Array.from(
    { length: size },
    () => Usage.start(["serve", "--json"], { env, stdio: ["ignore", "pipe", "inherit"] })
  )
  await Promise.all(children.map((child) =>
    new Promise<void>((resolve) => {
      let seen = 1
      createInterface({ input: child.stdout! }).on("line", (line) => {
        if (JSON.parse(line).event === "MemberJoined" && ++seen === size) resolve()
      })
    })
  ))
  const took = performance.now() - begun
  await Usage.end(children)
  return took
}

interface Round {
  readonly alone: Awaited<ReturnType<typeof nothing>>
  readonly serve: Awaited<ReturnType<typeof one>>
  readonly five: number
}

/** Prints a line of JSON a round, and a table at the end. */
export const start = async (args: ReadonlyArray<string>): Promise<void> => {
  const rounds = Number(args[0] ?? 20)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`rounds are ${args[0]}; allowed: a whole number above 0`)
  const port = await Effect.runPromise(freePort)
  const socket = await listenTo(port)
  // What V8 compiles is kept where the user's caches are, as it is for everybody.
  const { HOME, XDG_CACHE_HOME } = process.env
  const env = { ...environment(port), HOME, XDG_CACHE_HOME }
  await one(socket, env)
  const all: Array<Round> = []
  for (let at = 0; at < rounds; at++) {
    const alone = await nothing()
    await sleep(50)
    const serve = await one(socket, env)
    await sleep(50)
    const five = await together({ ...env, BELLWETHER_GROUP: `${env.BELLWETHER_GROUP}-${at}` })
    all.push({ alone, serve, five })
    console.log(JSON.stringify({ round: at, alone, serve, five }))
    await sleep(100)
  }
  socket.close()
  const row = (name: string, of: (round: Round) => number) => console.log(`| ${name} | ${Usage.spread(all.map(of))} |`)
  console.log("\n| | ms |\n| --- | --- |")
  row("Node that does nothing, to its end", ({ alone }) => alone.end)
  row("Node that does nothing, CPU", ({ alone }) => alone.cpu)
  row("`serve`, to its first datagram", ({ serve }) => serve.datagram)
  row("`serve`, CPU of the main thread by then", ({ serve }) => serve.cpu)
  row("`serve`, to its first line", ({ serve }) => serve.line)
  row("`serve`, from SIGTERM to its end", ({ serve }) => serve.end)
  row("five at once, until each sees all", ({ five }) => five)
}
