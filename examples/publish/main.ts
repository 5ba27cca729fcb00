/**
 * `npm run example publish NAME`, in as many terminals as you like: each copy changes the price of one product each second, and prints the
 * prices of all.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServer from "bellwether/NodeServer"
import { Console, Effect, Random, Schedule } from "effect"
import * as Catalogue from "./Catalogue.ts"

const name = process.argv[2] ?? "apples"

const program = Effect.gen(function*() {
  const catalogue = yield* Catalogue.make
  yield* Effect.gen(function*() {
    const price = yield* Random.nextIntBetween(1, 100)
    yield* catalogue.change({ name, text: `all about ${name}. `.repeat(100), price }).pipe(
      // Each of these says what was wrong; the next price is tried all the same.
      Effect.catch((error) => Console.error(error.message))
    )
    const products = [...(yield* catalogue.products).values()]
    yield* Console.log(products.map(({ name, price }) => `${name}: ${price}`).sort().join(", "))
  }).pipe(Effect.repeat(Schedule.spaced("1 second")))
}).pipe(Effect.scoped, Effect.provide(NodeServer.layerConfig()))

NodeRuntime.runMain(program)
