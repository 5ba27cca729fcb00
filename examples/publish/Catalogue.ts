/**
 * A catalogue that every copy of an app has in memory: the copy that changes it publishes the change, and all copies make the changes of one
 * publisher in the same order.
 */
import { Publishing, Topic } from "bellwether"
import { Effect, Ref, Schema, Stream } from "effect"

/** A product as it is from now on. Its text may be long: a message of more than 512 bytes goes in parts. */
export const Product = Schema.Struct({ name: Schema.String, text: Schema.String, price: Schema.Finite })

const changes = Topic.make("catalogue", Product)

/** The catalogue of this copy, and the way to change that of all copies. */
export const make = Effect.gen(function*() {
  const { publish, subscribe } = yield* Publishing.Publishing
  const products = yield* Ref.make<ReadonlyMap<string, typeof Product.Type>>(new Map())
  // Subscribed before anything is published from here, so our own changes come back to us as well.
  const published = yield* subscribe(changes)
  yield* published.pipe(
    Stream.runForEach(({ body }) => Ref.update(products, (all) => new Map(all).set(body.name, body))),
    Effect.forkScoped
  )
  return {
    products: Ref.get(products),
    /** Succeeds when the leader has the change and has relayed it to all copies. */
    change: (product: typeof Product.Type) => publish(changes, product, { within: "10 seconds" })
  }
})
