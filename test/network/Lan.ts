/**
 * Hosts of their own on one switch: each is a network namespace with a link to a bridge in another one. All names have the
 * process in them and all addresses live inside, so two copies of a test do not hear each other. All of it goes when the scope closes;
 * a test that is killed takes its servers along, and what it left besides goes with the next one.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFile, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"

const prefix = "bellwether-"
const folder = "/run/netns"
const patience: Duration.Input = "50 seconds"

/** Why hosts cannot be made here, in plain words; undefined where they can. */
export const obstacle: string | undefined = process.platform !== "linux" || process.getuid?.() !== 0
  ? "needs Linux and root"
  : spawnSync("ip", ["-V"]).status !== 0
  ? "needs ip of iproute2"
  : spawnSync("unshare", ["-n", "iptables", "-L", "-n"]).status !== 0
  ? "needs the right to make network namespaces, and iptables"
  : undefined

/** Whether what an obstacle stands in the way of is left out. Under CI as root there is no excuse. */
export const mayBeSkipped = (obstacle: string | undefined, ci: string | undefined, uid: number | undefined): boolean =>
  obstacle !== undefined && !(ci === "true" && uid === 0)

export const skip = mayBeSkipped(obstacle, process.env["CI"], process.getuid?.())

/** The reason to skip as part of a test's name. */
export const because = skip ? ` (skipped: ${obstacle})` : ""

/** All tests with hosts wait most of the time, each on a switch of its own: they do it at the same time. */
export const together = { concurrent: true, timeout: 120_000 } as const

const run = (command: string, args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    execFile(command, args, (error, stdout, stderr) =>
      resume(
        error === null
          ? Effect.succeed(stdout)
          : Effect.die(new Error(`${command} ${args.join(" ")}: ${stderr.trim() || error.message}`))
      ))
  })

if (!skip) Process.goFirst()

/** The file of names and addresses of a host. */
const namesOf = (name: string) => Path.join(Os.tmpdir(), name)
/** The file that says which name server a host asks. */
const nameServerOf = (name: string) => `${namesOf(name)}.resolv`

let made = 0

/** Takes a namespace away, with all that runs in it: its name alone would leave it to them. */
const remove = Effect.fnUntraced(function*(name: string) {
  const pids = yield* Effect.orElseSucceed(Effect.sandbox(run("ip", ["netns", "pids", name])), () => "")
  for (const pid of pids.split("\n").filter((line) => line !== "")) {
    yield* Effect.sync(() => {
      try {
        process.kill(Number(pid), "SIGKILL")
      } catch {
        // It has ended meanwhile.
      }
    })
  }
  yield* Effect.exit(run("ip", ["netns", "del", name]))
  yield* Effect.sync(() => {
    for (const file of [namesOf(name), nameServerOf(name)]) Fs.rmSync(file, { force: true })
  })
})

/** A new namespace. */
const namespace = Effect.acquireRelease(
  Effect.gen(function*() {
    made += 1
    const name = `${prefix}${process.pid}-${made}`
    yield* run("ip", ["netns", "add", name])
    yield* run("ip", ["-n", name, "link", "set", "lo", "up"])
    return name
  }),
  remove
)

/** Takes away what processes left that are no more. */
const sweep = Effect.gen(function*() {
  const names = yield* Effect.sync(() => Fs.existsSync(folder) ? Fs.readdirSync(folder) : [])
  for (const name of names) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !Fs.existsSync(`/proc/${pid}`)) yield* remove(name)
  }
})

export interface Host {
  readonly name: string
  /** Runs a command on it. */
  readonly run: (...words: readonly [string, ...ReadonlyArray<string>]) => Effect.Effect<string>
  /** Runs a command as what is started there runs: with its names, and in this environment alone. */
  readonly exec: (
    words: readonly [string, ...ReadonlyArray<string>],
    env?: Record<string, string>
  ) => Effect.Effect<string>
  /** Runs `ip` on it, with words between spaces. */
  readonly ip: (words: string) => Effect.Effect<string>
  /** Starts the program on it. */
  readonly start: (
    args: ReadonlyArray<string>,
    env?: Record<string, string>
  ) => Effect.Effect<Process.Running, never, Scope.Scope>
  /**
   * Lays one more link to a bridge of the switch; it is up. `addresses` are those of its end. It gives itself a link-local one
   * besides, unless there is one among them.
   */
  readonly plug: (device: string, bridge: string, addresses: ReadonlyArray<string>) => Effect.Effect<void>
  /** The address of its own that a link gave itself. */
  readonly linkLocal: (device: string) => Effect.Effect<string>
  /** Says under which names it knows which addresses, from now on, also to what runs already. */
  readonly names: (lines: ReadonlyArray<string>) => Effect.Effect<void>
  /** Says which name server it asks, from now on. */
  readonly nameServer: (ip: string) => Effect.Effect<void>
}

export interface Lan {
  /** A host with no link yet. */
  readonly host: Effect.Effect<Host, never, Scope.Scope>
  /** A host with one link, `eth0` on `br0`. */
  readonly hostAt: (...addresses: ReadonlyArray<string>) => Effect.Effect<Host, never, Scope.Scope>
  /** Puts the link of a host on a bridge of the switch. */
  readonly connect: (host: Host, device: string, bridge: string) => Effect.Effect<unknown>
  /** Takes the link of a host off the switch. Both ends stay up: the host does not see it. */
  readonly disconnect: (host: Host, device: string) => Effect.Effect<unknown>
  /** From now on, `br0` carries multicast only to who has lately said that it wants it: nobody is asked to say so again. */
  readonly forgetGroups: Effect.Effect<void>
}

/** A switch with two bridges, `br0` and `br1`, that have nothing to do with each other. */
export const make: Effect.Effect<Lan, never, Scope.Scope> = Effect.gen(function*() {
  yield* sweep
  const hub = yield* namespace
  const inHub = (words: string) => run("ip", ["-n", hub, ...words.split(" ")])
  for (const bridge of ["br0", "br1"]) {
    // No snooping: there is no querier here, and it would forget the groups.
    yield* inHub(`link add ${bridge} type bridge mcast_snooping 0`)
    yield* inHub(`link set ${bridge} up`)
  }
  let ports = 0
  const portOf = new Map<string, string>()
  const port = (host: Host, device: string) => portOf.get(`${host.name} ${device}`) ?? ""
  const connect: Lan["connect"] = (host, device, bridge) => inHub(`link set ${port(host, device)} master ${bridge} up`)
  const host = Effect.flatMap(namespace, (name): Effect.Effect<Host> => {
    const names: Host["names"] = (lines) =>
      Effect.sync(() => Fs.writeFileSync(namesOf(name), ["127.0.0.1 localhost", ...lines, ""].join("\n")))
    // In the documentation's own addresses nobody answers; a host without a route to them knows that at once.
    const nameServer: Host["nameServer"] = (ip) =>
      Effect.sync(() => Fs.writeFileSync(nameServerOf(name), `nameserver ${ip}\n`))
    const onHost = (...words: readonly [string, ...ReadonlyArray<string>]) =>
      run("ip", ["netns", "exec", name, ...words])
    // The mount is in the namespace of mounts that `ip netns exec` makes, and goes with the process.
    const entering = `mount --bind ${namesOf(name)} /etc/hosts; mount --bind ${
      nameServerOf(name)
    } /etc/resolv.conf; exec "$0" "$@"`
    const self: Host = {
      name,
      run: onHost,
      exec: (words, env = {}) => {
        const given = Object.entries({ PATH: process.env["PATH"] ?? "", ...env }).map((one) => one.join("="))
        return onHost("sh", "-c", entering, "env", "-i", ...given, ...words)
      },
      ip: (words) => run("ip", ["-n", name, ...words.split(" ")]),
      start: (args, env = {}) =>
        Process.startBy(
          [
            ..."setpriv --pdeathsig KILL ip netns exec".split(" ") as [string, ...ReadonlyArray<string>],
            name,
            "sh",
            "-c",
            entering
          ],
          args,
          env,
          patience
        ),
      plug: Effect.fnUntraced(function*(device, bridge, addresses) {
        ports += 1
        portOf.set(`${name} ${device}`, `p${ports}`)
        yield* inHub(`link add p${ports} type veth peer name ${device} netns ${name}`)
        if (addresses.some((address) => address.startsWith("fe80:"))) {
          yield* self.ip(`link set ${device} addrgenmode none`)
        }
        for (const address of addresses) {
          const words = address.includes(":") ? [address, "nodad"] : [address]
          yield* run("ip", ["-n", name, "addr", "add", ...words, "dev", device])
        }
        yield* connect(self, device, bridge)
        yield* run("ip", ["-n", name, "link", "set", device, "up"])
      }),
      linkLocal: (device) =>
        run("ip", ["-n", name, "-6", "-o", "addr", "show", "dev", device, "scope", "link"]).pipe(
          Effect.map((line) => / inet6 (fe80:[^/ ]+)/.exec(line)?.[1] ?? "")
        ),
      names,
      nameServer
    }
    return Effect.as(Effect.andThen(names([]), nameServer("198.51.100.53")), self)
  })
  return {
    host,
    hostAt: (...addresses) => Effect.tap(host, (host) => host.plug("eth0", "br0", addresses)),
    connect,
    disconnect: (host, device) => inHub(`link set ${port(host, device)} nomaster`),
    forgetGroups: Effect.gen(function*() {
      // All in hundredths of a second: a querier whose first question is answered at once, whose next comes much later than
      // an answer counts. So it is with a switch that snoops while nobody asks any more.
      yield* inHub("link set br0 type bridge mcast_query_response_interval 50 mcast_membership_interval 100")
      yield* inHub("link set br0 type bridge mcast_query_interval 100000 mcast_startup_query_count 0")
      yield* inHub("link set br0 type bridge mcast_snooping 1")
      yield* inHub("link set br0 type bridge mcast_querier 1")
    })
  }
})
