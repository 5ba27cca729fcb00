/**
 * The routes of an app: its own, and Bellwether's beside them.
 */
import { Leadership, Reign } from "bellwether"
import * as StatusApi from "bellwether/StatusApi"
import { Console, Effect, Layer } from "effect"
import type { Redacted } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

/** Only the leader takes orders. The number of an order has the token of the reign, so that no number is given twice. */
const orders = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const { current } = yield* Leadership.Leadership
    let count = 0
    const take = Effect.map(current, (reign) => {
      if (reign._tag === "None") return HttpServerResponse.text("another leads\n", { status: 503 })
      count += 1
      return HttpServerResponse.text(`order ${Reign.token(reign.value)}-${count}\n`, { status: 201 })
    })
    yield* router.add("POST", "/orders", take)
    // A slow one: it is served to its end also where this server is stopped meanwhile.
    const report = Effect.as(Effect.sleep("2 seconds"), HttpServerResponse.text("all orders\n"))
    yield* router.add("GET", "/report", Effect.andThen(Console.log("A report is asked for"), report))
  })
)

/** All routes. Who has the token may make this server resign, for instance; without a token nobody may. */
export const routes = (token?: Redacted.Redacted) => Layer.merge(orders, StatusApi.layer({ token }))
