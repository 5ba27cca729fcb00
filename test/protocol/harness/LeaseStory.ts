/**
 * A group that leads by a majority lease, and what happens to it, as a text to read: one command a line, and after each what
 * came of it. What a story says of true time it says of nothing else: every datagram takes a ms unless it is held.
 *
 * | command | |
 * |---|---|
 * | `lease 1000 ms, drift 5 %, work stops in 20 of 50 ms` | the agreement; how long work takes to stop, and may take |
 * | `clock of a: slow, an hour ahead` | `slow` and `fast` by the whole drift; `no uptime`: none that counts since the boot |
 * | `lease of a: 500 ms` | it is set otherwise there |
 * | `start a b`, `crash a`, `restart a` | |
 * | `stop a` | in order: its process ends when it has said goodbye |
 * | `a sleeps`, `a wakes`, `a resigns`, `a stands aside` | |
 * | `work of a is given up, and takes 500 ms` | some of its work, by its caller: the rest goes on |
 * | `a hears late that no work runs`, `a hears that` | |
 * | `forge BEAT_ACK of a to b: 1000` | of that beat of b, by somebody else |
 * | `the clock of a is set by -3600000 ms` | |
 * | `cut a from b c`, `mend a and b c` | both ways |
 * | `hold VOTE of a to b c`, `lose BEAT of a to b` | from now on; `*` is any kind |
 * | `let VOTE of a to b c pass` | from now on again |
 * | `deliver VOTE of a to b` | what was held of that, oldest first, however the two are cut off |
 * | `pass 300 ms`, `until a leads`, `until nobody leads` | |
 *
 * What comes of it are lines that begin with `>`: who leads from when on, and what was broken.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type * as Invariants from "../../../src/simulator/Invariants.ts"
import { Cluster, type Datagram, type Options } from "./Cluster.ts"

const hour = 3_600_000

const directory = Path.resolve(import.meta.dirname, "../stories")

/** All stories that there are. */
export const names: ReadonlyArray<string> = Fs.readdirSync(directory).toSorted().map((file) =>
  Path.basename(file, ".txt")
)

const path = (name: string): string => Path.join(directory, `${name}.txt`)

export const read = (name: string): string => Fs.readFileSync(path(name), "utf8")

export const write = (name: string, text: string): void => Fs.writeFileSync(path(name), text)

interface Rule {
  readonly what: "hold" | "lose" | "pass"
  readonly type: string
  readonly from: string
  readonly to: ReadonlyArray<string>
}

/** What came of a story: its text with all that, and the invariants that it broke, in the order in which it did. */
export interface Played {
  readonly text: string
  readonly broken: ReadonlyArray<Invariants.Name>
}

/** When somebody was the last to take the lead in a story as it is told, in ms; Infinity where it was waited for in vain. */
export const ledAt = (text: string): number =>
  text.includes("> not within")
    ? Infinity
    : Math.max(...Array.from(text.matchAll(/^  > (\d+) ms: \w leads$/gm), ([, at]) => Number(at)))

/** The longest that is waited for anything, in ms. */
const patience = 20_000

/** Plays a story; what its text says that came of it is not looked at. */
export const play = (text: string, protocol?: Options["protocol"]): Played => {
  const lines = text.trimEnd().split("\n")
  const agreement = match(lines, /^lease (\d+) ms, drift ([\d.]+) %, work stops in (\d+) of (\d+) ms$/)
  const [duration, percent, stops, stopTimeout] = agreement.map(Number) as [number, number, number, number]
  const drift = percent / 100
  const clocks = new Map<string, string>()
  const durations = new Map<string, number>()
  for (const line of lines) {
    const [, other, millis] = /^lease of (\w): (\d+) ms$/.exec(line) ?? []
    if (other !== undefined) durations.set(other, Number(millis))
    const [, name, how] = /^clock of (\w): (.*)$/.exec(line) ?? []
    if (name !== undefined && how !== undefined) clocks.set(name, how)
  }
  const size = Number(match(lines, /^(\d) servers$/)[0])
  const timing: Array<Rule> = []
  const held: Array<Datagram> = []
  const cluster = new Cluster({
    size,
    seed: 1,
    timing: (name) => ({
      lease: { groupSize: size, duration: durations.get(name) ?? duration, drift },
      stopTimeout
    }),
    protocol,
    clocks: (index) => {
      const how = clocks.get(String.fromCharCode(97 + index)) ?? ""
      return {
        rate: how.includes("slow") ? 1 - drift : how.includes("fast") ? 1 + drift : 1,
        monotonic: 0,
        wall: 1_000_000 + (how.includes("an hour ahead") ? hour : 0),
        boot: !how.includes("no uptime")
      }
    },
    arrives: (datagram) => {
      const rule = timing.findLast((rule) => applies(rule, datagram))
      if (rule?.what === "hold") held.push(datagram)
      return rule === undefined || rule.what === "pass" ? [1] : []
    },
    stops: () => stops
  })
  const played: Array<string> = []
  let leaders = ""
  let seen = 0
  let parts = 0
  const watch = () => {
    const now = cluster.leaders.join(" and ")
    if (now !== leaders) {
      played.push(`  > ${Math.round(cluster.now)} ms: ${now || "nobody"} ${now.includes(" ") ? "lead" : "leads"}`)
    }
    leaders = now
    // One that is broken is so at every step for a while.
    for (const { invariant, what } of cluster.violations.slice(seen)) {
      if (!broken.includes(invariant)) {
        broken.push(invariant)
        played.push(`  > ${Math.round(cluster.now)} ms: ${invariant} is broken, ${what}`)
      }
    }
    seen = cluster.violations.length
  }
  const broken: Array<Invariants.Name> = []
  const pass = (millis: number, until?: () => boolean) => {
    cluster.advance(millis, () => {
      watch()
      return until?.() === true
    })
    watch()
    if (until?.() === false) played.push(`  > not within ${millis} ms`)
  }
  let isTold = true
  for (const line of lines) {
    if (line.startsWith("  > ")) continue
    played.push(line)
    // What it is about, and with what, come before; an empty line after each.
    if (line === "") {
      isTold = ++parts < 2
      continue
    }
    if (isTold) continue
    const command = commands.find(([pattern]) => pattern.test(line))
    if (command === undefined) throw new Error(`no line of a story: ${line}`)
    const words = command[0].exec(line)!.slice(1)
    command[1]({ cluster, timing, held, pass }, ...words)
    watch()
  }
  return { text: `${played.join("\n")}\n`, broken }
}

const match = (lines: ReadonlyArray<string>, pattern: RegExp): ReadonlyArray<string> => {
  for (const line of lines) {
    const found = pattern.exec(line)
    if (found !== null) return found.slice(1)
  }
  throw new Error(`a story needs a line like ${pattern}`)
}

const applies = ({ from, to, type }: Rule, datagram: Datagram): boolean =>
  (type === "*" || type === datagram.message.type) && from === datagram.from && to.includes(datagram.to)

interface Stage {
  readonly cluster: Cluster
  readonly timing: Array<Rule>
  readonly held: Array<Datagram>
  readonly pass: (millis: number, until?: () => boolean) => void
}

const list = (names: string): ReadonlyArray<string> => names.split(" ")

const bothWays = (names: string, others: string, act: (from: string, to: string) => void): void => {
  for (const name of list(names)) {
    for (const other of list(others)) {
      act(name, other)
      act(other, name)
    }
  }
}

type Command = readonly [pattern: RegExp, run: (stage: Stage, ...words: ReadonlyArray<string>) => void]

const rule = (what: Rule["what"], pattern: RegExp): Command => [
  pattern,
  ({ timing }, type, from, to) => void timing.push({ what, type: type, from: from, to: list(to) })
]

const commands: ReadonlyArray<Command> = [
  [/^start ([\w ]+)$/, ({ cluster }, names) => {
    for (const name of list(names)) cluster.start(name)
  }],
  [/^crash ([\w ]+)$/, ({ cluster }, names) => {
    for (const name of list(names)) cluster.crash(name)
  }],
  [/^stop ([\w ]+)$/, ({ cluster }, names) => {
    for (const name of list(names)) cluster.stop(name)
  }],
  [/^restart ([\w ]+)$/, ({ cluster, pass }, names) => {
    for (const name of list(names)) cluster.crash(name)
    pass(1)
    for (const name of list(names)) cluster.start(name)
  }],
  [/^(\w) sleeps$/, ({ cluster }, name) => cluster.suspend(name)],
  [/^(\w) wakes$/, ({ cluster }, name) => cluster.wake(name)],
  [/^(\w) resigns$/, ({ cluster }, name) => cluster.step(name, { _tag: "Resign" })],
  [/^(\w) stands aside$/, ({ cluster }, name) => cluster.step(name, { _tag: "StepDown", millis: 60_000 })],
  [
    /^work of (\w) is given up, and takes (\d+) ms$/,
    ({ cluster }, name, millis) => cluster.giveUpWork(name, Number(millis))
  ],
  [/^(\w) hears late that no work runs$/, ({ cluster }, name) => cluster.holdIdle(name)],
  [/^(\w) hears that$/, ({ cluster }, name) => cluster.deliverIdle(name)],
  [/^forge BEAT_ACK of (\w) to (\w): (\d+)$/, ({ cluster }, from, to, beat) => cluster.forge(from, to, Number(beat))],
  [/^the clock of (\w) is set by (-?\d+) ms$/, ({ cluster }, name, by) => cluster.setWallClock(name, Number(by))],
  [
    /^cut ([\w ]+) from ([\w ]+)$/,
    ({ cluster }, names, others) => bothWays(names, others, (from, to) => cluster.cut(from, to))
  ],
  [
    /^mend ([\w ]+) and ([\w ]+)$/,
    ({ cluster }, names, others) => bothWays(names, others, (from, to) => cluster.mend(from, to))
  ],
  rule("hold", /^hold (\S+) of (\w) to ([\w ]+)$/),
  rule("lose", /^lose (\S+) of (\w) to ([\w ]+)$/),
  rule("pass", /^let (\S+) of (\w) to ([\w ]+) pass$/),
  [/^deliver (\S+) of (\w) to ([\w ]+)$/, ({ cluster, held }, type, from, to) => {
    const wanted = { what: "hold", type: type, from: from, to: list(to) } as const
    for (const datagram of held.filter((one) => applies(wanted, one))) cluster.deliver(datagram)
  }],
  [/^pass (\d+) ms$/, ({ pass }, millis) => pass(Number(millis))],
  [/^until (\w+) leads$/, ({ cluster, pass }, name) => {
    const wanted = name === "nobody" ? "" : name
    pass(patience, () => cluster.leaders.join() === wanted)
  }]
]
