/**
 * A client under the same fire as the server: each that is a message goes into `ClientStep` too, and its app sends and reads
 * meanwhile. It throws where something grows that must not, or where what it says could not be said.
 */
import * as HashMap from "effect/HashMap"
import * as Result from "effect/Result"
import { isDeepStrictEqual } from "node:util"
import * as ClientStep from "../../src/protocol/delivery/ClientStep.ts"
import * as Flights from "../../src/protocol/delivery/Flights.ts"
import * as Kept from "../../src/protocol/delivery/Kept.ts"
import * as Client from "../../src/protocol/model/Client.ts"
import type * as ClientContext from "../../src/protocol/model/ClientContext.ts"
import type * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import type { Chance } from "./Chance.ts"

const id = Client.ClientId.make("c".repeat(16))
const tag = Frame.groupTag("default")
/** As many clients' order as it remembers, by its documentation. */
const mostSources = 2_048

const fresh = () => ClientStep.make({ client: { id, name: "c" }, interval: 500 })

export class Listener {
  state: ClientContext.State = fresh()
  readonly told = new Map<string, number>()
  readonly #chance: Chance
  #tickets = 0
  #read = 0
  #delivered = 0

  constructor(chance: Chance) {
    this.#chance = chance
    this.#step({ _tag: "Start" }, 1_000)
  }

  hear(message: Message.Message, from: Member.Address, now: number): void {
    this.#step({ _tag: "Received", message, from }, now)
  }

  /** What its app and its clock do. */
  act(now: number): void {
    const chance = this.#chance
    switch (chance.below(12)) {
      case 0:
        return this.#step({ _tag: "Send", ticket: this.#tickets++, body: chance.of(["", null, "x".repeat(500)]) }, now)
      case 1:
        return this.#step({ _tag: "Withdraw", ticket: chance.below(this.#tickets + 1) }, now)
      case 2:
        // It reads as it likes: at most so many wait for it.
        this.#read = Math.max(this.#read, this.#delivered - chance.below(4))
        return this.#step({ _tag: "Room", limit: this.#read + 16 }, now)
      case 3:
        return chance.happens(0.01) ? this.#step({ _tag: "Leave" }, now) : undefined
      default:
        return ClientStep.dueAt(this.state) <= now ? this.#step({ _tag: "Due" }, now) : undefined
    }
  }

  #step(input: ClientStep.Input, monotonic: number): void {
    if (this.state.phase === "Left") this.state = fresh()
    const chance = this.#chance
    const now = { monotonic, wall: monotonic, entropy: chance.below(2 ** 32) }
    const [after, outputs] = ClientStep.step(this.state, input, now)
    if (chance.happens(0.001) && !isDeepStrictEqual(ClientStep.step(this.state, input, now)[1], outputs)) {
      throw new Error("one input led a client to two outcomes")
    }
    this.state = after
    for (const output of outputs) {
      if (output._tag === "Emit") {
        const { event } = output.event
        this.told.set(event, (this.told.get(event) ?? 0) + 1)
        if (event === "MessageReceived") this.#delivered++
      } else if (
        output._tag === "Send" && chance.happens(0.05) && Result.isFailure(Frame.encode(output.message, tag))
      ) {
        throw new Error(`a client could not say ${output.message.type}`)
      }
    }
    if (outputs.length > 4 * Kept.limit) throw new Error(`one input led a client to ${outputs.length} outputs`)
    this.#look()
  }

  #look(): void {
    const { answers, flights, heard, queue, receiver } = this.state
    const sizes = {
      answers: [answers.length, Client.window],
      flights: [flights.length, Client.window],
      heard: [HashMap.size(heard), 64],
      queue: [queue.length, Flights.queueLimit],
      kept: [Kept.all(receiver.kept).length, Kept.most],
      sources: [HashMap.size(receiver.sources), mostSources],
      tracks: [receiver.tracks.length, 4]
    } as const
    for (const [name, [size, most]] of Object.entries(sizes)) {
      if (size > most) throw new Error(`a client keeps ${size} ${name}`)
    }
  }
}
