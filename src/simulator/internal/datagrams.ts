/** The datagrams of the explorer: each is kept once, and has a number. */
import type * as Member from "../../protocol/model/Member.ts"
import type * as Message from "../../protocol/model/Message.ts"

export interface Datagram {
  readonly from: number
  readonly to: number
  readonly via: "multicast" | "unicast"
  readonly message: Message.Message
  /** The host refuses it instead. */
  readonly refused: Member.NodeId | null
  /** It asks whether its host refuses. */
  readonly asks: Member.NodeId | null
}

export class Datagrams {
  readonly #all: Array<Datagram> = []
  readonly #numbers = new Map<string, number>()

  get size(): number {
    return this.#all.length
  }

  at(number: number): Datagram {
    return this.#all[number] as Datagram
  }

  numberOf(datagram: Datagram): number {
    const key = JSON.stringify(datagram)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#all.length
    this.#all.push(datagram)
    this.#numbers.set(key, number)
    return number
  }

  describe(number: number): string {
    const { from, message, refused, to } = this.at(number)
    return refused === null ? `${message.type} of s${from} to s${to}` : `the refusal of s${from} to s${to}`
  }

  /** What comes back of a datagram to a host where nobody listens, if its sender looks for it. */
  refusal(number: number): number | null {
    const { asks, from, message, to } = this.at(number)
    return asks === null
      ? null
      : this.numberOf({ from: to, to: from, via: "unicast", message, refused: asks, asks: null })
  }
}
