/**
 * docs/promises.md: each promise has all its parts, what it names is there, and its figures are what its formulas give.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Vm from "node:vm"
import * as Server from "../../src/server/Server.ts"
import * as Profile from "../../src/settings/Profile.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as Agreement from "../../src/simulator/Agreement.ts"
import * as Invariants from "../../src/simulator/Invariants.ts"
import * as Page from "./Page.ts"

const page = Page.read("docs/promises.md")
const labels = ["Promised", "Assumes", "Bound", "Check"] as const

const promises = page.split(/^### /m).slice(1).map((section) => {
  const [title = "", ...lines] = section.split(/^## /m)[0]!.split("\n")
  const parts = lines.join("\n").split(/^- \*\*/m).slice(1).map((part) => {
    const [label = "", text = ""] = part.split(":** ", 2)
    return [label, text.replaceAll(/\s+/g, " ").trim()] as const
  })
  return { title, labels: parts.map(([label]) => label), part: Object.fromEntries(parts) }
})

const testsIn = (text: string) => [...text.matchAll(/test\/[\w/-]+\.test\.ts/g)].map(([path]) => path)

const servers = 5

const timesOf = (profile: Profile.Profile) => {
  const settings = Effect.runSync(Settings.make({ profile, leadership: "lease", groupSize: servers }))
  const lease = Settings.agreement(settings)!
  return { settings, lease, timing: Settings.timing(settings) }
}

/** A formula of the page in milliseconds: sums and products of settings, `max` and `min`. */
const millis = (formula: string, profile: Profile.Profile): number => {
  const { lease, timing } = timesOf(profile)
  const known = {
    ...timing,
    leaseDuration: lease.duration,
    clockDrift: lease.drift,
    interval: timing.heartbeatInterval,
    servers,
    max: Math.max,
    min: Math.min
  }
  const text = formula.replaceAll(/(\d+) ms\b/g, "$1").replaceAll(/(\d+) s\b/g, "($1 * 1000)").replaceAll(" x ", " * ")
  return Number(Vm.runInNewContext(text, known))
}

/** The figures that stand behind formulas: `formula`: 1.2 s in `standard`, 300 ms in `fast`. */
const figuresIn = (text: string) =>
  [...text.replaceAll(/\s+/g, " ").matchAll(/`([^`]+)`: (\S+ m?s) in `standard`, (\S+ m?s) in `fast`/g)].flatMap((
    [, formula = "", standard = "", fast = ""]
  ) => [{ formula, profile: "standard" as const, figure: standard }, {
    formula,
    profile: "fast" as const,
    figure: fast
  }])

/** The figures of a text that are not what their formulas give, to as many digits as they have; none where all is well. */
const wrongIn = (text: string): ReadonlyArray<string> =>
  figuresIn(text).flatMap(({ figure, formula, profile }) => {
    const [number = "", unit] = figure.split(" ")
    const value = millis(formula, profile) / (unit === "s" ? 1_000 : 1)
    const decimals = number.split(".")[1]?.length ?? 0
    const isRight = Math.abs(value - Number(number)) <= 0.5000001 * 10 ** -decimals
    return isRight ? [] : [`${formula} is ${value} ${unit} in ${profile}, not ${figure}`]
  })

describe("docs/promises.md", () => {
  it("has promises, each once", () => {
    const titles = promises.map(({ title }) => title)
    assert.isAbove(titles.length, 40)
    assert.deepStrictEqual(titles, [...new Set(titles)])
  })

  it.each(promises)("$title: has every part, in order", ({ labels: found, part }) => {
    assert.deepStrictEqual(found, [...labels])
    for (const label of labels) assert.isAbove(part[label]!.length, 4, label)
  })

  it.each(promises)("$title: the command runs what checks it", ({ part }) => {
    const check = part.Check!
    const [, command = ""] = /^`(npm test -- [^`]+)`/.exec(check) ?? []
    const tests = testsIn(command)
    assert.isNotEmpty(tests)
    assert.strictEqual(command, ["npm test --", ...tests].join(" "))
    for (const path of tests) assert.isTrue(Fs.existsSync(Path.join(Page.root, path)), path)
    // Invariants are asked in simulated runs, and the explorer has a test of its own.
    if (/[Ii]nvariants? `/.test(check)) assert.include(tests, "test/simulation/invariants.test.ts")
    if (check.includes("explorer")) assert.include(tests, "test/simulation/explorer.test.ts")
  })

  it.each(promises)("$title: each formula has its figures, and they are what it gives", ({ part }) => {
    const formulas = [...part.Bound!.matchAll(/`([^`]+ [+x] [^`]+)`/g)].map(([, formula]) => formula)
    assert.includeMembers(figuresIn(part.Bound!).map(({ formula }) => formula), formulas)
    assert.deepStrictEqual(wrongIn(part.Bound!), [])
  })

  it("names every invariant, and none that there is not", () => {
    const named = promises.flatMap(({ part }) =>
      [...part.Check!.matchAll(/[Ii]nvariants? ((?:`\w+`(?:, | and )?)+)/g)].flatMap(([, names = ""]) =>
        [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name)
      )
    )
    assert.sameMembers([...new Set(named)], Object.keys(Invariants.promises))
    const rows = Page.rows(page.slice(page.indexOf("## Under faults"))).map(([name = ""]) => name.replaceAll("`", ""))
    assert.includeMembers(rows, Object.keys(Invariants.promises))
  })

  it("names no setting that there is not", () => {
    const others = new Set(["interval", "servers", "max", "min", "sendTimeout", "x", "ms", "s"])
    for (const { part, title } of promises) {
      for (const [, span = ""] of part.Bound!.matchAll(/`([^`]+)`/g)) {
        for (const [word] of span.replaceAll(/--\S+/g, "").matchAll(/\b[a-z][A-Za-z]*\b/g)) {
          const known = others.has(word) || Settings.keys.includes(word as Settings.Key)
            || (Profile.names as ReadonlyArray<string>).includes(word)
          assert.isTrue(known, `${title}: ${word}`)
        }
      }
    }
  })

  it("S is the bound by which the simulator judges", () => {
    for (const profile of ["standard", "fast"] as const) {
      const timing = Server.timingOf(timesOf(profile).settings)
      const figures = figuresIn(page.slice(page.indexOf("## Under faults")))
      assert.isNotEmpty(figures)
      assert.deepStrictEqual(wrongIn(page.slice(page.indexOf("## Under faults"))), [])
      const { formula } = figures[0]!
      const withoutLease = Agreement.settlesWithin({ ...timing, lease: null }, servers)
      assert.strictEqual(Math.ceil(millis(formula, profile)), withoutLease)
      const withLease = Math.ceil(millis(`${formula} + 4 x leaseDuration`, profile))
      assert.strictEqual(withLease, Agreement.settlesWithin(timing, servers))
    }
  })
})
