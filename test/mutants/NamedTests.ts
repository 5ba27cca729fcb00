/**
 * The tests of a file by their names, to be run one at a time from another one: also where something else stands for a module that they
 * try.
 */
import * as Vitest from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import * as Path from "node:path"

/** Tests by the names of their suites and their own, with a colon between. */
export type Tests = ReadonlyMap<string, Effect.Effect<unknown, unknown>>

const { vi } = Vitest

const directory = Path.resolve(import.meta.dirname, "..")

const environment = Layer.merge(TestConsole.layer, TestClock.layer())

/** What a file of tests registers them with. */
const registering = (file: string) => {
  const tests = new Map<string, Effect.Effect<unknown, unknown>>()
  const suites: Array<string> = []
  const add = (test: string, effect: Effect.Effect<unknown, unknown>): void => {
    const name = [...suites, test].join(": ")
    if (tests.has(name)) throw new Error(`test/${file} has two tests of one name: ${name}`)
    tests.set(name, effect)
  }
  const live = (name: string, test: () => Effect.Effect<unknown, unknown, Scope.Scope>): void =>
    add(name, Effect.scoped(Effect.suspend(test)))
  const effect = (name: string, test: () => Effect.Effect<unknown, unknown, Scope.Scope>): void =>
    live(name, () => Effect.provide(Effect.scoped(Effect.suspend(test)), environment))
  const plain = (name: string, test: () => unknown): void => add(name, Effect.promise(async () => test()))
  const describe = (suite: string, register: () => void): void => {
    suites.push(suite)
    register()
    suites.pop()
  }
  return { tests, framework: { ...Vitest, describe, it: Object.assign(plain, { effect, live }) } }
}

/** The tests of a file below `test`. All that it imports of ours is loaded anew, with these modules for those of these paths. */
export const of = async (
  file: string,
  replaced: ReadonlyMap<string, () => Promise<object>>
): Promise<Tests> => {
  const { framework, tests } = registering(file)
  vi.resetModules()
  vi.doMock("@effect/vitest", () => framework)
  for (const [path, load] of replaced) vi.doMock(path, load)
  try {
    await import(/* @vite-ignore */ Path.join(directory, file))
    return tests
  } finally {
    vi.doUnmock("@effect/vitest")
    for (const path of replaced.keys()) vi.doUnmock(path)
    vi.resetModules()
  }
}
