/**
 * `npm run bench -- http [SECONDS]`: three servers under the load of many readers and questions over HTTP. Whether their
 * heartbeats stay on time, their memory flat, and who is told what.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { connect } from "node:net"
import type { Socket } from "node:net"
import { setPriority } from "node:os"
import { fileURLToPath } from "node:url"
import { environment, freePort } from "./loopback.ts"
import * as Usage from "./usage.ts"

const program = fileURLToPath(new URL("../dist/main.js", import.meta.url))
const servers = 3
const streams = 200
/** How many of the streams are not read. */
const slow = 50
/** How many questions a second, to all servers together. */
const questions = 100
const paths = ["/api/group", "/api/history", "/health/live", "/health/ready", "/health/leader"]
/** In so many parts the time is told, each with its memory. */
const parts = 4
/** The heartbeat of the profile `fast`, in ms. */
const interval = 500

interface Served {
  readonly child: ChildProcess
  readonly port: number
}

/** Starts a server, and waits until it tells where it listens. */
const start = (name: string, port: number) =>
  new Promise<Served>((resolve) => {
    const child = spawn(process.execPath, [
      program,
      "--json",
      "--profile",
      "fast",
      "--name",
      name,
      "--http",
      "127.0.0.1:0"
    ], {
      env: environment(port),
      stdio: ["ignore", "ignore", "pipe"]
    })
    child.stderr.on("data", (data) => {
      const [, at] = /127\.0\.0\.1:(\d+)/.exec(String(data)) ?? []
      if (at !== undefined) resolve({ child, port: Number(at) })
    })
  })

/** Opens a stream. What is read of it is counted, and the instants at which heartbeats of others were heard are noted. */
const open = (port: number, path: string, reads: boolean, onText: (text: string) => void): Socket => {
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => {}).on("data", (data) => {
    if (reads) onText(data.toString("latin1"))
    else socket.pause()
  })
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
  return socket
}

const quantile = (values: ReadonlyArray<number>, share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Collects when the heartbeats of each server were sent, by its own clock. */
const heartbeats = () => {
  const sent = new Map<string, Array<number>>()
  const onText = (text: string) => {
    for (const [, data = ""] of text.matchAll(/^event: SERVER_ALIVE\ndata: (.*)$/gm)) {
      if (!data.endsWith("}")) continue
      const { at, by, way } = JSON.parse(data) as { readonly at: number; readonly by: string; readonly way: string }
      if (way !== "sent") continue
      const [...times] = sent.get(by) ?? []
      sent.set(by, [...times, at])
    }
  }
  /** How late each heartbeat was after the one before it and an interval. */
  const lateness = () =>
    [...sent.values()].flatMap((times) => times.slice(1).map((at, index) => at - times[index]! - interval))
  return { onText, lateness, forget: () => sent.clear() }
}

/** Asks so many questions a second for so long; the ms that each took, and how many were answered otherwise than they should be. */
const ask = async (all: ReadonlyArray<Served>, seconds: number) => {
  const took: Array<number> = []
  const wrong: Array<string> = []
  const one = async (n: number) => {
    const path = paths[n % paths.length]!
    const began = performance.now()
    try {
      const response = await fetch(`http://127.0.0.1:${all[n % all.length]!.port}${path}`)
      await response.arrayBuffer()
      if (response.status !== 200 && !(response.status === 503 && path === "/health/leader")) {
        wrong.push(`${path} ${response.status}`)
      }
    } catch (error) {
      wrong.push(`${path} ${(error as Error & { readonly cause?: Error }).cause?.message}`)
    }
    took.push(performance.now() - began)
  }
  const began = performance.now()
  const running: Array<Promise<void>> = []
  for (let n = 0; n < seconds * questions; n++) {
    await sleep(Math.max(0, began + n * 1_000 / questions - performance.now()))
    running.push(one(n))
  }
  await Promise.all(running)
  return { took, wrong }
}

export const http = async ([text = "60"]: ReadonlyArray<string>): Promise<void> => {
  const seconds = Number(text)
  if (!Number.isInteger(seconds) || seconds < parts) {
    throw new Error(`SECONDS is ${text}; allowed: a whole number from ${parts} on`)
  }
  const port = await Effect.runPromise(freePort)
  try {
    setPriority(-10)
  } catch {
    // Then the machine must not be busy with other things.
  }
  const all = await Promise.all(Array.from({ length: servers }, (_, n) => start(`server-${n}`, port)))
  const { forget, lateness, onText } = heartbeats()
  const sockets = all.map((served) => open(served.port, "/api/traffic", true, onText))
  await sleep(5_000)
  console.log("| load | heartbeat late, ms: median / 99 % / most | memory, MiB |\n| --- | --- | --- |")
  const row = (load: string) => {
    const late = lateness()
    const figures = [quantile(late, 0.5), quantile(late, 0.99), quantile(late, 1)].map((ms) => ms.toFixed(0)).join(
      " / "
    )
    console.log(
      `| ${load} | ${figures} | ${all.map((served) => Usage.of(served.child.pid!).resident.toFixed(0)).join(", ")} |`
    )
    forget()
  }
  await sleep(10_000)
  row("none, 10 s")
  let bytes = 0
  for (let n = servers; n < streams; n++) {
    const path = n % 2 === 0 ? "/api/traffic" : "/api/events"
    sockets.push(open(all[n % servers]!.port, path, n >= slow + servers, (text) => bytes += text.length))
  }
  await sleep(2_000)
  forget()
  const took: Array<number> = []
  const wrong: Array<string> = []
  for (let part = 1; part <= parts; part++) {
    const answers = await ask(all, Math.ceil(seconds / parts))
    took.push(...answers.took)
    wrong.push(...answers.wrong)
    row(`${streams} streams, ${questions} questions a second: ${part} of ${parts}`)
  }
  console.log(
    `\n${took.length} answers, ${wrong.length} wrong ${JSON.stringify([...new Set(wrong)])}; ms median ${
      quantile(took, 0.5).toFixed(1)
    }, `
      + `99 % ${quantile(took, 0.99).toFixed(1)}, most ${quantile(took, 1).toFixed(0)}; ${
        (bytes / 1e6).toFixed(1)
      } MB of events read`
  )
  const ended = all.map(({ child }) => new Promise<void>((resolve) => child.once("close", () => resolve())))
  const stopped = performance.now()
  for (const { child } of all) child.kill("SIGTERM")
  await Promise.all(ended)
  console.log(`ended ${(performance.now() - stopped).toFixed(0)} ms after SIGTERM, with all streams open`)
  for (const socket of sockets) socket.destroy()
}
