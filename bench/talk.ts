/**
 * `npm run bench -- talk [SECONDS] [--key]`: what members say to each other, beside what is published through the leader and a lock. Three
 * servers on loopback, a process each; the first one, which does not lead, talks. Wall-clock figures depend on what else the
 * machine does; the CPU that all three take for one does so much less.
 */
import * as Fleet from "./fleet.ts"
import * as Spread from "./spread.ts"
import { type Load, loads, type Measured, type Order, run } from "./talkProcess.ts"

const quantiles = (values: ReadonlyArray<number>): string =>
  Spread.quantiles(values, [0.5, 0.95, 1]).map((ms) => ms.toFixed(2)).join(" / ")

const line = ({ name }: Load, told: ReadonlyArray<Measured>): string => {
  const [talker, ...others] = told
  const { count, millis, took } = talker!
  const cpu = told.reduce((sum, one) => sum + one.cpuMicros, 0) / Math.max(1, count)
  const heard = others.map((one) => one.heard / Math.max(1, count))
  const share = heard.some((one) => one > 0) ? heard.map((one) => `${(100 * one).toFixed(1)} %`).join(", ") : "-"
  return `| ${name} | ${(count * 1_000 / millis).toFixed(0)} | ${cpu.toFixed(0)} | ${quantiles(took)} | ${share} | ${
    talker!.failed
  } |`
}

export const talk = async (args: ReadonlyArray<string>): Promise<void> => {
  const role = Fleet.roleIn(args)
  if (role !== undefined) return run(role)
  const { key, seconds } = Fleet.read(args, 3)
  await Fleet.use("talk", key, async (children) => {
    const measure = (order: Order) => Fleet.order<Measured>(children, order)
    // V8 compiles what it will run, and no figure is of that.
    for (const load of loads) await measure({ load: load.name, millis: 500 })
    console.log("| what | a second | CPU of all, µs each | ms (median / 95 % / most) | heard by the others | failed |")
    console.log("| --- | --- | --- | --- | --- | --- |")
    for (const load of loads) console.log(line(load, await measure({ load: load.name, millis: seconds * 1_000 })))
  })
}
