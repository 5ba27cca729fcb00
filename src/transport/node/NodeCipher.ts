/** AES-256-GCM by the OpenSSL of Node: the same bytes as the portable one, in a fifth of the time. */
import { createCipheriv, createDecipheriv } from "node:crypto"
import type { Cipher } from "../../protocol/wire/Sealing.ts"

const algorithm = "aes-256-gcm"
const tagBytes = 16
const options = { authTagLength: tagBytes }

/** See `Sealing.Cipher`. */
export const cipher: Cipher = {
  seal: (key, nonce, clear, body) => {
    const sealing = createCipheriv(algorithm, key, nonce, options).setAAD(clear)
    const encrypted = sealing.update(body)
    sealing.final()
    const sealed = new Uint8Array(body.length + tagBytes)
    sealed.set(encrypted)
    sealed.set(sealing.getAuthTag(), body.length)
    return sealed
  },
  open: (key, nonce, clear, sealed) => {
    const end = sealed.length - tagBytes
    const opening = createDecipheriv(algorithm, key, nonce, options).setAAD(clear).setAuthTag(sealed.subarray(end))
    const body = opening.update(sealed.subarray(0, end))
    // Throws where the tag does not fit.
    opening.final()
    return body
  }
}
