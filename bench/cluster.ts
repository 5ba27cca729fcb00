/**
 * `npm run bench -- cluster [SECONDS] [--key]`: how long a runner of a cluster waits for the locks of shards, and for a refresh of them:
 * on the leader, and on another server. Three servers on loopback, a process each.
 */
import { loadavg } from "node:os"
import { type Measured, type Order, run } from "./clusterProcess.ts"
import * as Fleet from "./fleet.ts"
import * as Spread from "./spread.ts"

const quantiles = (values: ReadonlyArray<number>): string =>
  Spread.quantiles(values, [0.5, 0.99]).map((ms) => ms.toFixed(2)).join(" / ")

/** The first measures on the leader, which has the greatest priority. */
const where = [["the leader", Fleet.servers - 1], ["another", 0]] as const

export const cluster = async (args: ReadonlyArray<string>): Promise<void> => {
  const role = Fleet.roleIn(args)
  if (role !== undefined) return run(role)
  const { key, seconds } = Fleet.read(args, 3)
  await Fleet.use("cluster", key, async (children) => {
    const measure = async (at: number, order: Order) => (await Fleet.order<Measured>([children[at]!], order))[0]!
    // V8 compiles what it will run, and no figure is of that.
    for (const [, at] of where) await measure(at, { shards: 300, millis: 1_500 })
    console.log(`ms (median / 99 %), load ${loadavg()[0]!.toFixed(1)}\n`)
    console.log("| shards | on | acquire | refresh | refreshes | failed |")
    console.log("| --- | --- | --- | --- | --- | --- |")
    for (const shards of [100, 300]) {
      for (const [name, at] of where) {
        const told = await measure(at, { shards, millis: seconds * 1_000 })
        const cells = [shards, name, quantiles(told.acquire), quantiles(told.refresh), told.refresh.length, told.failed]
        console.log(`| ${cells.join(" | ")} |`)
      }
    }
  })
}
