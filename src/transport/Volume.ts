/** How much came and went: datagrams and their bytes, as the packet path counts them. Plain numbers, written in place. */

/** What one endpoint has received, before anything of it was dropped, and handed to the system to be sent. */
export interface Volume {
  received: number
  receivedBytes: number
  sent: number
  sentBytes: number
}

/** Nothing yet. */
export const make = (): Volume => ({ received: 0, receivedBytes: 0, sent: 0, sentBytes: 0 })
