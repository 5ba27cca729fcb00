/** The pages that servers announce: where people see in a browser what each of them sees. Nothing is decided by them. */
import type * as Member from "../model/Member.ts"
import * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Frame from "../wire/Frame.ts"

/** The hosts of addresses that mean another machine on every machine. */
const isLoopback = (page: string): boolean => /^https?:\/\/(localhost|127\.[0-9.]+|\[::1\])([:/]|$)/i.test(page)

/**
 * The page of a member as it announces it; null where it announces none, or what cannot be announced by this version. A
 * loopback one is of use on its own host alone, and elsewhere leads astray.
 */
export const taken = (self: Member.Member, sender: Member.Member, page: string | undefined): string | null => {
  if (page === undefined || !Message.isPage(page)) return null
  const isHere = sender.hostname === self.hostname && sender.ip === self.ip
  return isHere || !isLoopback(page) ? page : null
}

/** The most bytes that a heartbeat takes besides what its sender says of itself, and the page. */
const rest = 640

/** What a server says of itself takes no more than this, with any addresses that it will have. */
const bytesOf = (self: Member.Member): number =>
  encoder.encode(JSON.stringify({ ...self, ip: "", incarnation: Number.MAX_SAFE_INTEGER })).length + longestIp

const longestIp = 61
const encoder = new TextEncoder()

/** Whether the heartbeats of this server have space for that page: its texts come first. */
const fits = (self: Member.Member, page: string): boolean =>
  rest + bytesOf(self) + page.length + `,"page":""`.length <= Frame.maxBodyBytes

/** Our own page is announced from the next sign of life on; one that cannot be is not announced. */
export const announce = (context: StepContext, page: string | null): void => {
  context.state.page = page !== null && Message.isPage(page) && fits(context.state.self, page) ? page : null
}
