/**
 * Names of hosts, resolved by the system that Node runs on: its hosts file, its name service, mDNS, DNS.
 *
 * All of these only `getaddrinfo` reads, and a call of it cannot be cancelled. Where a name server does not answer it takes
 * up to 20 s. Meanwhile it holds one of the four threads on which Node also reads files, and the process does not exit before
 * it is over. A worker thread is no way out, since it shares these threads; `dns.Resolver` can be cancelled, but reads neither
 * the hosts file nor mDNS. So names are looked up in a child process, which can be killed. It is started by the first name
 * that is no address, answers for all names of an endpoint (40 ms to start, some 40 MB), ends when nobody has asked
 * for a while, and ends itself when its parent does.
 *
 * Where no child can be started (an executable that has Node within it, another runtime, a sandbox), the process itself
 * asks, about two names at a time.
 */
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Dns from "node:dns"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Ip from "../../protocol/model/Ip.ts"
import { DatagramsFailed } from "../Datagrams.ts"
import * as SocketAddress from "./SocketAddress.ts"

/**
 * Resolves names. The addresses that a name has now, each in its one spelling; an address is its own. Fails with `NoSuchName`. While one look-up of
 * a name is under way, whoever asks for it waits for that one.
 */
export type Resolve = (host: string) => Effect.Effect<ReadonlyArray<string>, DatagramsFailed>

/** Whether a child process can be started of the program that runs this one: not of one that would start the app again. */
export const isNode = (execPath: string): boolean => /^node(js)?[-\d.]*(\.exe)?$/i.test(Path.basename(execPath))

/** Makes a way to resolve names. Closing the scope kills the child, whatever it is doing. */
export const make: Effect.Effect<Resolve, never, Scope.Scope> = Effect.gen(function*() {
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
  return (host) => {
    if (Net.isIP(host) !== 0) return Effect.succeed([spelt(host)])
    const found = canStart
      ? Effect.catchIf(byChild(host), (why) => why === childIsOver, () => here.resolve(host))
      : here.resolve(host)
    return Effect.mapBoth(found, {
      onFailure: (cause) => new DatagramsFailed({ during: "send", kind: "NoSuchName", where: host, cause }),
      onSuccess: (ips) => ips.map(spelt)
    })
  }
})

// internal

type Answer = Effect.Effect<ReadonlyArray<string>, string>

/** As datagrams from there say where they come from: also the zone, which may be a number. */
const spelt = (ip: string): string => {
  const parsed = SocketAddress.parse({ ip, port: 1 })
  return Ip.canonical(parsed === undefined ? ip : SocketAddress.format(parsed).ip) ?? ip
}

/** The child ended before it answered. */
const childIsOver = "over"

/** Those who wait for names: `ask` is called for a name that nobody waits for yet. */
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

/** What the child runs: names come in line by line, and go out with their addresses or the code of an error. */
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
    const order = `--dns-result-order=${Dns.getDefaultResultOrder()}`
    const child = ChildProcess.spawn(execPath, [order, "-e", program], {
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
      Dns.lookup(
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
