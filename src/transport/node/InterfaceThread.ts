/** A thread that asks the system for its interfaces. The call blocks: with a thousand interfaces for 30 to 100 ms. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Worker } from "node:worker_threads"
import type { DatagramsFailed } from "../Datagrams.ts"
import * as Rarely from "./Rarely.ts"

/**
 * Starts the thread when it is asked first, and again when it has ended; it ends with the scope, and keeps no process alive. An
 * answer is JSON of what `os.networkInterfaces` gives; the error is what `failed` makes of Node's.
 */
export const make = Effect.fnUntraced(function*(
  failed: (cause: unknown) => DatagramsFailed
): Effect.fn.Return<{ readonly ask: Effect.Effect<string, DatagramsFailed> }, never, Scope.Scope> {
  let thread: Worker | undefined
  yield* Effect.addFinalizer(() => Effect.promise(async () => thread?.terminate()))
  const start = (): Worker => {
    const started = new (Rarely.workerThreads().Worker)(source, {
      eval: true,
      execArgv: [],
      stdout: true,
      stderr: true
    })
    const end = () => {
      if (thread === started) thread = undefined
    }
    started.once("error", end).once("exit", end).unref()
    return started
  }
  const ask = Effect.callback<string, DatagramsFailed>((resume) => {
    try {
      thread ??= start()
    } catch (error) {
      return resume(Effect.fail(failed(error)))
    }
    const asked = thread
    const answer = (outcome: Effect.Effect<string, DatagramsFailed>) => {
      stop()
      resume(outcome)
    }
    const onAnswer = ({ found, refused }: Answer) =>
      answer(found === undefined ? Effect.fail(failed(refused)) : Effect.succeed(found))
    const onError = (error: unknown) => answer(Effect.fail(failed(error)))
    const onExit = (code: number) => answer(Effect.fail(failed({ message: `the thread ended with ${code}` })))
    const stop = () => void asked.off("message", onAnswer).off("error", onError).off("exit", onExit)
    asked.on("message", onAnswer).on("error", onError).on("exit", onExit)
    asked.postMessage(undefined, [])
    return Effect.sync(stop)
  })
  return { ask }
})

// internal

interface Answer {
  readonly found?: string
  readonly refused?: unknown
}

// A string, since a bundler would not find a file of its own.
const source = `
const { networkInterfaces } = require("node:os")
const { parentPort } = require("node:worker_threads")
parentPort.on("message", () => {
  try {
    parentPort.postMessage({ found: JSON.stringify(networkInterfaces()) })
  } catch ({ code, errno, info, message, syscall }) {
    parentPort.postMessage({ refused: { code, errno, info, message, syscall } })
  }
})`
