/**
 * Names of hosts, resolved by the system that Node runs on: its hosts file, its name service, mDNS, DNS.
 *
 * Only `getaddrinfo` reads all of these, and a call of it cannot be cancelled. If a name server does not answer it takes up
 * to 20 s. Meanwhile it holds one of the four threads on which Node also reads files, and the process does not exit before
 * it is over. A worker thread is no way out, since it shares these threads; `dns.Resolver` can be cancelled, but reads
 * neither the hosts file nor mDNS. So names are looked up in a child process, which can be killed. It is started by the
 * first name that is no address, answers for all names of a layer (40 ms to start, some 40 MB), ends when nobody has asked
 * for a while, and ends itself when its parent does.
 *
 * If no child can be started (an executable that has Node within it, another runtime, a sandbox), the process itself asks,
 * about two names at a time.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as RcRef from "effect/RcRef"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Zone from "../../protocol/model/Zone.ts"
import * as Rarely from "./Rarely.ts"
import * as SocketAddress from "./SocketAddress.ts"

/** Whether a child process can be started of the program that runs this one: not of one that would start the app again. */
export const isNode = (execPath: string): boolean => /^node(js)?[-\d.]*(\.exe)?$/i.test(Path.basename(execPath))

/**
 * Makes the resolver. While one look-up of a name is under way, later calls for that name wait for it. Closing the scope
 * kills the child, also in the middle of something.
 */
export const make: Effect.Effect<AddressResolver.AddressResolver["Service"], never, Scope.Scope> = Effect.gen(
  function*() {
    const child = yield* RcRef.make({
      acquire: Effect.acquireRelease(
        Effect.sync(() => startChild(process.execPath)),
        ({ kill }) => Effect.sync(kill)
      ),
      idleTimeToLive: "3 seconds"
    })
    const byChild = (host: string) =>
      Effect.gen(function*() {
        const before = yield* RcRef.get(child)
        if (before.isOver()) yield* RcRef.invalidate(child)
        return yield* (before.isOver() ? yield* RcRef.get(child) : before).resolve(host)
      }).pipe(Effect.scoped)
    const canStart = isNode(process.execPath)
    const lookup = Effect.fn("HostNames.lookup")(function*(host: string) {
      const found = canStart
        ? Effect.catchIf(byChild(host), (why) => why === childIsOver, () => here.resolve(host))
        : here.resolve(host)
      const ips = yield* Effect.mapError(
        found,
        (code) => new Dns.DnsError({ reason: "Unknown", method: "lookup", hostname: host, cause: code })
      )
      return ips.flatMap((ip) =>
        Result.match(NetAddress.ipFromString(Zone.without(ip)), {
          onFailure: () => [],
          onSuccess: (address) => [address]
        })
      )
    })
    return AddressResolver.make(Dns.make({ lookup }), {
      scopeId: (zone) => Effect.sync(() => SocketAddress.scopeIdOf(zone))
    })
  }
)

/** The resolver of the system. */
export const layer: Layer.Layer<AddressResolver.AddressResolver> = Layer.effect(AddressResolver.AddressResolver, make)

// internal

type Answer = Effect.Effect<ReadonlyArray<string>, string>

/** The child ended before it answered. */
const childIsOver = "over"

/** The callers that wait for names: `ask` is called for a name that nobody waits for yet. */
const lookups = (ask: (host: string) => void) => {
  // A name that nobody waits for any more stays until its answer comes, so that it is not asked a second time meanwhile.
  const waiting = new Map<string, Set<(answer: Answer) => void>>()
  return {
    resolve: (host: string): Answer =>
      Effect.callback((resume) => {
        const others = waiting.get(host)
        const all = others ?? new Set()
        all.add(resume)
        if (others === undefined) {
          waiting.set(host, all)
          ask(host)
        }
        return Effect.sync(() => all.delete(resume))
      }),
    answer: (host: string, answer: Answer): void => {
      const all = waiting.get(host) ?? []
      waiting.delete(host)
      for (const resume of all) resume(answer)
    },
    hosts: (): ReadonlyArray<string> => [...waiting.keys()]
  }
}

/** The program of the child: names come in line by line, and go out with their addresses or the code of an error. */
const program = `
process.title = "bellwether names"
const die = () => process.kill(process.pid, "SIGKILL")
for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => {})
process.stdout.on("error", die)
let rest = ""
process.stdin.setEncoding("utf8").on("end", die).on("error", die).on("data", (text) => {
  const lines = (rest + text).split("\\n")
  rest = lines.pop()
  for (const host of lines) {
    require("dns").lookup(host, { all: true }, (error, found) => {
      const answer = error ? error.code || "Unknown" : found.map(({ address }) => address)
      process.stdout.write(JSON.stringify([host, answer]) + "\\n")
    })
  }
})`

/** The child needs no secrets, and nothing that is meant for the app's own start. */
const environment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE|BELLWETHER)_/.test(name))),
  // Node gives look-ups half of the threads, and of 64 names each must have one.
  UV_THREADPOOL_SIZE: "128"
})

const startChild = (execPath: string) => {
  let isOver = false
  const names = lookups((host) => void child?.stdin.write(`${host}\n`))
  const end = () => {
    isOver = true
    for (const host of names.hosts()) names.answer(host, Effect.fail(childIsOver))
  }
  const child = spawn(execPath, end)
  if (child === undefined) end()
  let rest = ""
  child?.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      const [host, found]: [string, string | ReadonlyArray<string>] = JSON.parse(line)
      names.answer(host, typeof found === "string" ? Effect.fail(found) : Effect.succeed(found))
    }
  })
  return {
    resolve: (host: string): Answer => Effect.suspend(() => isOver ? Effect.fail(childIsOver) : names.resolve(host)),
    isOver: () => isOver,
    kill: () => void child?.kill("SIGKILL")
  }
}

const spawn = (execPath: string, onEnd: () => void) => {
  try {
    const order = `--dns-result-order=${Rarely.dns().getDefaultResultOrder()}`
    const child = Rarely.childProcess().spawn(execPath, [order, "-e", program], {
      env: environment(),
      // In no process group of ours: a Ctrl-C is not for it.
      detached: process.platform !== "win32",
      stdio: ["pipe", "pipe", "ignore"],
      windowsHide: true
    })
    child.on("error", onEnd).on("exit", onEnd)
    child.stdin.on("error", onEnd)
    // It holds nobody's exit.
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Net.Socket) pipe.unref()
    return child
  } catch {
    // A sandbox may not allow it.
    return undefined
  }
}

/** How many of the threads of this process may wait for names: the others are for its files. */
const mostHere = 2

/** Names that this process looks up itself: of all endpoints, since they share the threads. */
const here = (() => {
  const queue: Array<string> = []
  let active = 0
  const next = (): void => {
    const host = active < mostHere ? queue.shift() : undefined
    if (host === undefined) return
    active += 1
    const done = (answer: Answer) => {
      active -= 1
      names.answer(host, answer)
      next()
    }
    try {
      Rarely.dns().lookup(
        host,
        { all: true },
        (error, found) =>
          done(
            error === null ? Effect.succeed(found.map(({ address }) => address)) : Effect.fail(error.code ?? "Unknown")
          )
      )
    } catch (error) {
      done(Effect.fail(String(error)))
    }
  }
  const names = lookups((host) => {
    queue.push(host)
    next()
  })
  return names
})()
