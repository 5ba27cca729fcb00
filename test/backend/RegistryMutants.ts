/** The rules of a group over a registry broken on purpose; see `Mutants`. Some trial must see each. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import * as Lease from "../../src/protocol/model/Lease.ts"
import type * as Announcing from "../../src/registry/Announcing.ts"
import type * as Registry from "../../src/registry/Registry.ts"
import type * as RegistryContext from "../../src/registry/RegistryContext.ts"
import type * as RegistryState from "../../src/registry/RegistryState.ts"
import * as RegistryStep from "../../src/registry/RegistryStep.ts"
import type * as Reigning from "../../src/registry/Reigning.ts"
import type * as Renewing from "../../src/registry/Renewing.ts"
import type * as Standing from "../../src/registry/Standing.ts"
import * as Mutants from "../simulation/Mutants.ts"
import type { Promised } from "./harness/RegistryTrial.ts"

type Mutation = (step: typeof RegistryStep.step) => typeof RegistryStep.step

/** A fault, and which promises it may break. */
export interface RegistryMutant {
  readonly name: string
  readonly breaks: ReadonlyArray<Promised>
  /** Seen only where the registry ends sessions before their time. */
  readonly early?: boolean
  readonly mutate?: Mutation
  readonly replace?: ReadonlyArray<Mutants.Replacement>
}

const source = Path.resolve(import.meta.dirname, "../../src/registry")
const work = Path.resolve(import.meta.dirname, "../../coverage")

/** The rules with this fault. */
export const load = async (
  { mutate = (step) => step, name, replace = [] }: RegistryMutant
): Promise<typeof RegistryStep> => {
  const rules = replace.length === 0 ? RegistryStep : await replaced(name, replace)
  return { ...rules, step: mutate(rules.step) }
}

const replaced = async (name: string, replace: ReadonlyArray<Mutants.Replacement>): Promise<typeof RegistryStep> => {
  const directory = Path.join(work, `mutant-${process.pid}-${name.replaceAll(/\W+/g, "-")}`)
  try {
    Fs.cpSync(source, directory, { recursive: true })
    for (const file of Fs.readdirSync(directory)) {
      const path = Path.join(directory, file)
      const text = Fs.readFileSync(path, "utf8")
      Fs.writeFileSync(path, text.replaceAll(`from "../`, `from "${Path.dirname(source)}/`))
    }
    Mutants.replaceIn(directory, replace)
    const entry = pathToFileURL(Path.join(directory, "RegistryStep.ts")).href
    return await import(/* @vite-ignore */ entry) as typeof RegistryStep
  } finally {
    Fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** Other changes are asked for than should be. */
const asking =
  (change: (transaction: Registry.Transaction) => Registry.Transaction): Mutation => (step) => (state, input, now) => {
    const [after, outputs] = step(state, input, now)
    const asked = (output: RegistryState.Output): RegistryState.Output =>
      output._tag === "Commit" ? { ...output, transaction: change(output.transaction) } : output
    return [after, outputs.map(asked)]
  }

/** Conditions on keys of that kind are left out. */
const without = (key: RegExp): Mutation =>
  asking((transaction) => ({ ...transaction, if: transaction.if.filter((condition) => !key.test(condition.key)) }))

/** Other inputs come than should. */
const hearing =
  (change: (input: RegistryState.Input) => RegistryState.Input): Mutation => (step) => (state, input, now) =>
    step(state, change(input), now)

/** What may break where two lead at a time. */
const safety = ["oneLeader", "workWithinLease", "oneWork", "termsGrow", "runsOnce", "reignNeverBack"] as const

const isOfLead = ({ put = [] }: Registry.Transaction): boolean => put.some(({ key }) => key.endsWith("/leader"))

export const mutants: ReadonlyArray<RegistryMutant> = [
  {
    name: "a session is counted from the answer to its renewal, not from when that was sent",
    breaks: safety,
    replace: [Mutants.replacing<typeof Renewing>("Renewing.ts", {
      renewed: (original) => (context, input) => {
        original(context, input)
        const { session } = context.state
        if (session !== null) context.state.session = { ...session, sentAt: Lease.instant(context.now) }
      }
    })]
  },
  {
    name: "a reign is over when the registry says so, and not by the clock",
    breaks: safety,
    replace: [Mutants.replacing<typeof RegistryContext>("RegistryContext.ts", {
      left: () => (granted) => granted === null ? -Infinity : granted.ttl
    })]
  },
  {
    name: "the time that the machine slept is not counted",
    breaks: safety,
    replace: [Mutants.replacing<typeof RegistryContext>("RegistryContext.ts", {
      left: () => (granted, drift, now) =>
        granted === null
          ? -Infinity
          : granted.ttl * (1 - 2 * drift) - (now.monotonic - granted.sentAt.monotonic)
    })]
  },
  {
    name: "clocks are taken to run at one speed",
    breaks: safety,
    replace: [Mutants.replacing<typeof RegistryContext>("RegistryContext.ts", {
      left: (original) => (granted, _, now) => original(granted, 0, now)
    })]
  },
  {
    name: "work is ended when the lease is over, not in time before",
    breaks: ["workWithinLease", "oneWork"],
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", {
      expire: (original) => (context) => {
        const { timing } = context.state
        context.state.timing = { ...timing, stopTimeout: 0 }
        original(context)
        context.state.timing = timing
      }
    })]
  },
  {
    name: "the lead is taken from any leader",
    breaks: [...safety, "goneIsOver", "settles"],
    mutate: asking((transaction) => isOfLead(transaction) ? { ...transaction, if: [] } : transaction)
  },
  {
    name: "the lead is taken regardless of the newest term",
    breaks: ["termsGrow", "reignNeverBack", "settles"],
    mutate: without(/\/term$/)
  },
  {
    name: "a term is the wall clock's, regardless of former terms",
    breaks: ["termsGrow", "reignNeverBack", "settles"],
    mutate: (step) => (state, input, now) => {
      const [after, outputs] = step(state, input, now)
      const term = Math.floor(now.wall)
      const asked = (output: RegistryState.Output): RegistryState.Output => {
        if (output._tag !== "Commit" || !isOfLead(output.transaction)) return output
        const put = output.transaction.put!.map(({ bound, key, value }) => ({
          bound,
          key,
          value: key.endsWith("/leader") ? JSON.stringify({ ...JSON.parse(value), term }) : String(term)
        }))
        return { ...output, transaction: { ...output.transaction, put } }
      }
      return [after, outputs.map(asked)]
    }
  },
  {
    name: "an outcome that is not known is taken for done",
    breaks: [...safety, "settles"],
    mutate: hearing((input) =>
      input._tag === "Committed" && input.outcome === "Unknown" ? { ...input, outcome: "done" } : input
    )
  },
  {
    name: "an outcome that is not known is taken for refused, regardless of the watch",
    breaks: ["settles"],
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", {
      look: (original) => (context, isPicture) => {
        const before = context.elections.map((name) => [name, context.election(name).own] as const)
        original(context, isPicture)
        for (const [name, own] of before) if (own === null) context.change(name, { own: null })
      }
    })]
  },
  {
    name: "a reign that is over begins anew where the watch comes late",
    breaks: ["termsGrow"],
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", {
      forget: (original) => (context, name) => {
        original(context, name)
        context.change(name, { over: 0 })
      }
    })]
  },
  {
    name: "the key is given back before the work has ended",
    breaks: ["oneWork"],
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", {
      release: (original) => (context, name) => {
        const { own } = context.election(name)
        if (own !== null && own.ending !== null) {
          context.change(name, { own: { ...own, ending: { ...own.ending, finished: true } } })
        }
        original(context, name)
      }
    })]
  },
  {
    name: "the key is given back when the lease is over by a clock that was set, and the work has had no time",
    breaks: ["oneWork"],
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", {
      release: (original) => (context, name) => {
        const { own } = context.election(name)
        if (own !== null && own.ending !== null) {
          context.change(name, { own: { ...own, ending: { ...own.ending, hadTime: true } } })
        }
        original(context, name)
      }
    })]
  },
  {
    name: "the watch shows the key gone, and the reign goes on",
    breaks: [...safety, "goneIsOver"],
    early: true,
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", {
      look: (original) => (context, isPicture) => {
        const before = context.elections.map((name) => [name, context.election(name).own] as const)
        original(context, isPicture)
        for (const [name, own] of before) if (own !== null) context.change(name, { own })
      }
    })]
  },
  {
    name: "the lead is never given to one that outranks",
    breaks: ["settles"],
    replace: [Mutants.replacing<typeof Reigning>("Reigning.ts", { makeWay: () => () => {} })]
  },
  {
    name: "what a server says of itself is said once",
    breaks: ["settles"],
    replace: [Mutants.replacing<typeof Announcing>("Announcing.ts", {
      announce: (original) => (context) => {
        if (context.state.commits === 0) original(context)
      }
    })]
  },
  {
    name: "a run begins before its mark is kept",
    breaks: ["runsOnce"],
    mutate: (step) => (state, input, now) => {
      const [after, outputs] = step(state, input, now)
      if (input._tag !== "MarkRun" || input.mark.begun === 0) return [after, outputs]
      return [after, [...outputs, { _tag: "RunMarked", request: input.request, known: { ...input.mark, since: 0 } }]]
    }
  },
  {
    name: "candidates ask all the time",
    breaks: ["asksLittle", "settles"],
    replace: [Mutants.replacing<typeof Standing>("Standing.ts", {
      stand: (original) => (context, name, others) => {
        const { freeSince } = context.election(name)
        context.change(name, { freeSince: -Infinity })
        original(context, name, others)
        context.change(name, { freeSince })
      }
    })]
  }
]
