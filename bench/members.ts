/**
 * `npm run bench -- members [MEMBERS] [SECONDS]`: what hearing a large group costs a server, as a process on default settings: each
 * member has a socket of its own, on loopback, and says its heartbeats as often as a member of such a group does. The memory, the
 * pauses of the garbage collector and what was dropped are those of the server.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:dgram"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type * as Member from "../src/protocol/model/Member.ts"
import * as Timing from "../src/protocol/model/Timing.ts"
import * as Frame from "../src/protocol/wire/Frame.ts"
import * as Heartbeats from "./heartbeats.ts"
import { environment, freePort, groupAddress, openedToGroup } from "./loopback.ts"
import * as Usage from "./usage.ts"

const program = fileURLToPath(new URL("../dist/main.js", import.meta.url))
const timing = { heartbeatInterval: 10_000, maxHeartbeatsPerSecond: 500 }
const pace = 500

const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

/** A server as a process, and what it says. */
const started = async (port: number, members: number) => {
  const child: ChildProcess = spawn(process.execPath, [
    "--trace-gc",
    program,
    "serve",
    "--json"
  ], {
    env: { ...environment(port), BELLWETHER_MAX_MEMBERS: String(Math.max(4_096, members)) },
    stdio: ["ignore", "pipe", "inherit"]
  })
  const lines: Array<string> = []
  let rest = ""
  child.stdout!.on("data", (chunk: Buffer) => {
    const all = (rest + chunk.toString()).split("\n")
    rest = all.pop()!
    lines.push(...all)
  })
  while (!lines.some((line) => line.includes(`"event":"Started"`))) await sleep(10)
  const { self } = JSON.parse(lines.find((line) => line.includes(`"event":"Started"`))!) as { self: Member.Member }
  return { child, lines, self }
}

/** The datagrams that the system dropped, since the buffers of these sockets were full. */
const droppedBySystem = (port: number): number =>
  readFileSync("/proc/net/udp", "utf8").split("\n").filter((line) =>
    line.includes(`:${port.toString(16).padStart(4, "0").toUpperCase()} `)
  )
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/).at(-1)), 0)

const pausesIn = (lines: ReadonlyArray<string>) =>
  lines.flatMap((line) => {
    const found = /ms: (Scavenge|Mark-Compact).*? ([\d.]+) \/ [\d.]+ ms/.exec(line)
    return found === null ? [] : [Number(found[2])]
  })

export const members = async (
  [count = "10000", seconds = "60"]: ReadonlyArray<string>
): Promise<void> => {
  const size = Number(count)
  const sockets: Array<Socket> = []
  for (let at = 0; at < size; at++) sockets.push(await openedToGroup())
  // Now that theirs are taken.
  const port = await Effect.runPromise(freePort)
  const group = environment(port).BELLWETHER_GROUP
  const { child, lines, self } = await started(port, size)
  const interval = Timing.intervalBeside(timing, size)
  const heartbeats = Heartbeats.make({
    members: size,
    group,
    interval,
    self,
    isSealed: false,
    places: (at) => ({ ip: "127.0.0.1", port: sockets[at]!.address().port })
  })
  const heard: Record<string, number> = {}
  let sign = 1
  let sent = 0
  const say = (at: number): void => {
    sent += 1
    sockets[at]!.send(heartbeats.frame(at, sign), port, groupAddress)
  }
  sockets.forEach((socket, at) =>
    socket.on("message", (payload, { address, port }) => {
      const said = Frame.decode(payload, Frame.groupTag(group))
      if (Result.isFailure(said)) return
      const { type } = said.success
      heard[type] = (heard[type] ?? 0) + 1
      if (type === "SERVER_PROBE") socket.send(heartbeats.response(at, said.success.nonce), port, address)
    })
  )
  // The leader goes first; the others come within one interval, as they are spread out by then.
  say(0)
  const leading = setInterval(() => say(0), pace)
  const growing = setInterval(() => sign += 1, timing.heartbeatInterval)
  const others = sockets.map((_, at) => at).slice(1)
  const mean = interval * (1 + Timing.leastShare) / 2
  const first = performance.now()
  let next = 0
  const talking = setInterval(() => {
    const due = (performance.now() - first) * others.length / mean
    for (; next < due; next++) say(others[next % others.length]!)
  }, 5)
  await sleep(mean + 5_000)
  const from = {
    ...Usage.of(child.pid!),
    at: performance.now(),
    lines: lines.length,
    sent,
    dropped: droppedBySystem(port)
  }
  await sleep(Number(seconds) * 1_000)
  const until = Usage.of(child.pid!)
  const lasted = (performance.now() - from.at) / 1_000
  const pauses = pausesIn(lines.slice(from.lines))
  const figures = {
    members: size,
    seen: 1 + lines.filter((line) => line.includes(`"event":"MemberJoined"`)).length
      - lines.filter((line) => line.includes(`"event":"MemberRemoved"`)).length,
    heartbeatsPerSecond: (sent - from.sent) / lasted,
    cpuPercent: 100 * (until.cpu - from.cpu) / lasted,
    microsEach: 1e6 * (until.cpu - from.cpu) / (sent - from.sent),
    memory: until.resident,
    wakesPerSecond: (until.mainWakes - from.mainWakes) / lasted,
    pauses: pauses.length,
    longestPause: Math.max(0, ...pauses),
    dropped: droppedBySystem(port) - from.dropped,
    asked: heard
  }
  for (const timer of [leading, growing, talking]) clearInterval(timer)
  child.kill("SIGTERM")
  for (const socket of sockets) socket.close()
  process.stdout.write(
    "| members | seen | heartbeats/s | CPU, % of a core | µs each | memory, MiB | wakes/s | pauses: number, longest | dropped |\n"
      + `| ${figures.members} | ${figures.seen} | ${figures.heartbeatsPerSecond.toFixed(0)} | ${
        figures.cpuPercent.toFixed(2)
      } | ${figures.microsEach.toFixed(0)} | ${figures.memory.toFixed(0)} | ${
        figures.wakesPerSecond.toFixed(0)
      } | ${figures.pauses}, ${figures.longestPause.toFixed(1)} ms | ${figures.dropped} |\n`
  )
  process.stdout.write(`${JSON.stringify({ bench: "members", ...figures })}\n`)
}
