/**
 * Hosts of their own on one switch: each is a network namespace with a link to a bridge in another one. All names have the
 * process in them and all addresses live inside, so two copies of a test do not meet; all of it goes when the scope
 * closes, and what a killed process left behind, with the next one.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFile, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Process from "../cli/process.ts"

const prefix = "bellwether-"
const folder = "/run/netns"

/** Why hosts cannot be made here, in plain words; undefined where they can. */
export const obstacle: string | undefined = process.platform !== "linux" || process.getuid?.() !== 0
  ? "needs Linux and root"
  : spawnSync("ip", ["-V"]).status !== 0
  ? "needs ip of iproute2"
  : spawnSync("unshare", ["-n", "true"]).status !== 0
  ? "needs the right to make network namespaces"
  : undefined

/** Under CI as root there is no excuse. */
export const skip = obstacle !== undefined && !(process.env["CI"] === "true" && process.getuid?.() === 0)

/** The reason to skip as part of a test's name. */
export const because = skip ? ` (skipped: ${obstacle})` : ""

const run = (command: string, args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    execFile(command, args, (error, stdout, stderr) =>
      resume(
        error === null
          ? Effect.succeed(stdout)
          : Effect.die(new Error(`${command} ${args.join(" ")}: ${stderr.trim() || error.message}`))
      ))
  })

let made = 0

/** A new namespace. */
const namespace = Effect.acquireRelease(
  Effect.gen(function*() {
    made += 1
    const name = `${prefix}${process.pid}-${made}`
    yield* run("ip", ["netns", "add", name])
    yield* run("ip", ["-n", name, "link", "set", "lo", "up"])
    return name
  }),
  (name) => Effect.ignore(run("ip", ["netns", "del", name]))
)

/** Takes away what processes left that are no more. */
const sweep = Effect.gen(function*() {
  const names = yield* Effect.sync(() => Fs.existsSync(folder) ? Fs.readdirSync(folder) : [])
  for (const name of names) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !Fs.existsSync(`/proc/${pid}`)) yield* Effect.exit(run("ip", ["netns", "del", name]))
  }
})

export interface Host {
  readonly name: string
  /** Runs a command on it. */
  readonly run: (...words: readonly [string, ...ReadonlyArray<string>]) => Effect.Effect<string>
  /** Runs `ip` on it, with words between spaces. */
  readonly ip: (words: string) => Effect.Effect<string>
  /** Starts the program on it. */
  readonly start: (
    args: ReadonlyArray<string>,
    env?: Record<string, string>
  ) => Effect.Effect<Process.Running, never, Scope.Scope>
  /** Lays one more link to a bridge of the switch; it is up. `addresses` are those of its end. */
  readonly plug: (device: string, bridge: string, addresses: ReadonlyArray<string>) => Effect.Effect<void>
}

export interface Lan {
  /** A host with no link yet. */
  readonly host: Effect.Effect<Host, never, Scope.Scope>
  /** Puts the link of a host on a bridge of the switch. */
  readonly connect: (host: Host, device: string, bridge: string) => Effect.Effect<unknown>
}

/** A switch with two bridges, `br0` and `br1`, that have nothing to do with each other. */
export const make: Effect.Effect<Lan, never, Scope.Scope> = Effect.gen(function*() {
  yield* sweep
  const hub = yield* namespace
  for (const bridge of ["br0", "br1"]) {
    // No snooping: there is no querier here, and it would forget the groups.
    yield* run("ip", ["-n", hub, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0"])
    yield* run("ip", ["-n", hub, "link", "set", bridge, "up"])
  }
  let ports = 0
  const portOf = new Map<string, string>()
  const connect: Lan["connect"] = (host, device, bridge) =>
    run("ip", ["-n", hub, "link", "set", portOf.get(`${host.name} ${device}`) ?? "", "master", bridge, "up"])
  const host = Effect.map(namespace, (name): Host => {
    const into = ["ip", "netns", "exec", name] as const
    const onHost = (...words: readonly [string, ...ReadonlyArray<string>]) =>
      run("ip", ["netns", "exec", name, ...words])
    const self: Host = {
      name,
      run: onHost,
      ip: (words) => run("ip", ["-n", name, ...words.split(" ")]),
      start: (args, env = {}) => Process.startBy(into, args, env, "50 seconds"),
      plug: Effect.fnUntraced(function*(device, bridge, addresses) {
        ports += 1
        portOf.set(`${name} ${device}`, `p${ports}`)
        yield* run("ip", ["-n", hub, "link", "add", `p${ports}`, "type", "veth", "peer", "name", device, "netns", name])
        for (const address of addresses) {
          const words = address.includes(":") ? [address, "nodad"] : [address]
          yield* run("ip", ["-n", name, "addr", "add", ...words, "dev", device])
        }
        yield* connect(self, device, bridge)
        yield* run("ip", ["-n", name, "link", "set", device, "up"])
      })
    }
    return self
  })
  return { host, connect }
})
