/**
 * The chance that a step is given: one whole number that no one could foretell, drawn out into as many as the step wants.
 * So the same entropy gives the same step.
 */

/** Draws numbers from one step's entropy, a whole number below 2^32, by the splitmix32 generator. */
export class Entropy {
  #random: number

  constructor(entropy: number) {
    this.#random = entropy
  }

  /** A number in [0, 1). */
  random(): number {
    this.#random = (this.#random + 0x9e3779b9) | 0
    let z = this.#random
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 4_294_967_296
  }

  /** A new question's name. */
  nonce(): string {
    const word = () => Math.floor(this.random() * 4_294_967_296).toString(16).padStart(8, "0")
    return word() + word()
  }
}
