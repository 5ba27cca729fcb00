/** What processes cost, by Linux's `/proc`, and how figures are shown. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The program as it was built. */
export const program = fileURLToPath(new URL("../dist/main.js", import.meta.url))

/** Starts the program on this Node. */
export const start = (args: ReadonlyArray<string>, options: SpawnOptions): ChildProcess =>
  spawn(process.execPath, [program, ...args], options)

/**
 * Of a process since its start: CPU in s, and how often it waited and was woken, of all its threads and of the main one. Memory in
 * MiB: all that is resident, and what of it is its own, which is all but files that processes share.
 */
export interface Usage {
  readonly cpu: number
  readonly mainCpu: number
  readonly wakes: number
  readonly mainWakes: number
  readonly resident: number
  readonly own: number
}

const numberIn = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1])

/** What a process has used until now. */
export const of = (pid: number): Usage => {
  const folder = `/proc/${pid}`
  let [cpu, mainCpu, wakes, mainWakes] = [0, 0, 0, 0]
  for (const thread of readdirSync(`${folder}/task`)) {
    const nanos = Number(readFileSync(`${folder}/task/${thread}/schedstat`, "utf8").split(" ")[0])
    const woken = numberIn(readFileSync(`${folder}/task/${thread}/status`, "utf8"), "voluntary_ctxt_switches")
    cpu += nanos / 1e9
    wakes += woken
    if (Number(thread) === pid) [mainCpu, mainWakes] = [nanos / 1e9, woken]
  }
  const status = readFileSync(`${folder}/status`, "utf8")
  return {
    cpu,
    mainCpu,
    wakes,
    mainWakes,
    resident: numberIn(status, "VmRSS") / 1_024,
    own: numberIn(status, "RssAnon") / 1_024
  }
}

/** The median of some values, with the least and the greatest. */
export const spread = (values: ReadonlyArray<number>, digits = 0): string => {
  const sorted = values.toSorted((a, b) => a - b)
  const [median, least, most] = [Math.floor(sorted.length / 2), 0, sorted.length - 1].map((at) =>
    sorted[at]?.toFixed(digits) ?? "-"
  )
  return `${median} (${least}-${most})`
}

/** Ends processes that were started, and waits until they have. */
export const end = (children: ReadonlyArray<ChildProcess>): Promise<unknown> =>
  Promise.all(children.map(async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGTERM")
    await ended
  }))
