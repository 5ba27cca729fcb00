/** Requests as nobody in their right mind sends them: each drawn from what is usual, what is nearly right, and bytes. */
import type { Chance } from "./Chance.ts"

/** Where the server is, and the token that it would take. */
export interface Target {
  readonly host: string
  readonly token: string
}

/** A request, and what it is known not to be allowed. */
export interface Hostile {
  readonly bytes: Buffer
  /** It names another host, or comes from another site: nothing may be told to it. */
  readonly isForeign: boolean
  /** Its first line, to say which it was. */
  readonly line: string
}

const methods = ["GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"]

const paths = [
  "/api/group",
  "/api/history",
  "/api/events",
  "/api/traffic",
  "/api/messages",
  "/api/leadership/resign",
  "/api/leadership/step-down",
  "/api/leadership/transfer",
  "/health/live",
  "/health/ready",
  "/health/leader",
  "/openapi.json",
  "/metrics",
  "/"
]

const queries = [
  "",
  "?election=",
  "?election=a&election=b",
  "?election=%00",
  "?election=%ff%fe",
  "?%",
  "?event=Left&event=Left",
  `?event=${"A".repeat(4_000)}`,
  "?after=1-1",
  "?after=-1-99999999999999999",
  "?after[]=1&__proto__=1&constructor=2",
  `?${"a&".repeat(2_000)}`
]

const twists: ReadonlyArray<(path: string, chance: Chance) => string> = [
  (path) => `${path}/`,
  (path) => `//${path}`,
  (path) => path.replaceAll("/", "%2f"),
  (path) => `/x/..${path}`,
  (path) => path.toUpperCase(),
  (path) => `${path};a=b`,
  (path) => `${path}#a`,
  (path) => `http://evil.example${path}`,
  (path) => `${path}%00`,
  (path) => `${path}%`,
  () => "*",
  () => "",
  () => `/${"a".repeat(12_000)}`,
  (_, chance) => `/${[...chance.bytes(20)].map((byte) => String.fromCharCode(33 + byte % 200)).join("")}`
]

const foreignHosts = [
  "evil.example",
  "127.0.0.1.evil.example",
  "localhost.evil.example:80",
  "evil.example@127.0.0.1",
  "127.0.0.1, evil.example",
  "a..b",
  "[::1",
  "-",
  "xn--",
  "%31%32%37.0.0.1",
  "127.0.0.1:99999",
  "127.0.0.1:port",
  ""
]

const foreignOrigins = [
  "http://evil.example",
  "https://evil.example:7780",
  "null",
  "file://",
  "http://",
  "http://[::1",
  "x"
]

const credentials = [
  "Bearer",
  "Bearer ",
  "Bearer  x",
  "Basic Og==",
  `Bearer ${"a".repeat(5_000)}`,
  "Bearer 0123456789abcdee",
  "bearer"
]

const oddHeaders = [
  "content-type: text/plain",
  "content-type: application/json; charset=utf-16",
  "content-type: multipart/form-data; boundary=x",
  "content-type: \u00e4",
  "expect: 100-continue",
  "expect: 200-maybe",
  "upgrade: websocket\r\nconnection: upgrade",
  "upgrade: h2c\r\nconnection: upgrade, http2-settings",
  "transfer-encoding: chunked",
  "transfer-encoding: gzip, chunked",
  "content-length: 5\r\ncontent-length: 6",
  "content-length: -1",
  "content-length: 99999999",
  "content-encoding: gzip",
  "last-event-id: 9-9",
  `last-event-id: ${"9".repeat(400)}`,
  "range: bytes=0-1",
  "cookie: a=b; __proto__=c",
  "x-forwarded-host: 127.0.0.1",
  "x-http-method-override: POST",
  `x: ${"y".repeat(9_000)}`,
  "no colon here",
  "traceparent: 00-0-0-0",
  "b3: x"
]

const bodies: ReadonlyArray<(chance: Chance) => Buffer> = [
  () => Buffer.from("{}"),
  () => Buffer.from("{"),
  () => Buffer.from("null"),
  () => Buffer.from(`{"for":"${"9".repeat(300)} hours"}`),
  () => Buffer.from(`{"for":"-1 seconds","to":""}`),
  () => Buffer.from(`{"to":"nobody","for":"NaN"}`),
  () => Buffer.from(`{"__proto__":{"to":"a"},"constructor":1}`),
  () => Buffer.from(`{"body":${"[".repeat(6_000)}`),
  () => Buffer.from(`{"body":${"[".repeat(5_000)}${"]".repeat(5_000)}}`),
  () => Buffer.from(`{"body":"${"x".repeat(100_000)}"}`),
  () => Buffer.from([0x22, 0xff, 0xfe, 0x22]),
  () => Buffer.from("5\r\nhello\r\n0\r\n\r\n"),
  () => Buffer.from("ffffffffffffffff\r\n"),
  (chance) => Buffer.from(chance.bytes(chance.below(600)))
]

/** One request. */
export const request = (chance: Chance, { host, token }: Target): Hostile => {
  if (chance.happens(0.03)) {
    const bytes = Buffer.from(chance.bytes(chance.below(2_000)))
    return { bytes, isForeign: false, line: bytes.toString("hex") }
  }
  const path = chance.of(paths)
  const url = `${chance.happens(0.25) ? chance.of(twists)(path, chance) : path}${chance.of(queries)}`
  const line = `${
    chance.happens(0.95) ? chance.of(methods) : chance.of(["get", "G T", "CONNECT", "X".repeat(500)])
  } ${url}`
  const namesOther = chance.happens(0.25)
  const headers = [
    `host: ${namesOther ? chance.of(foreignHosts) : chance.of([host, host, `localhost:${host.split(":")[1]}`])}`
  ]
  const comesFromOther = chance.happens(0.25)
  if (comesFromOther) {
    headers.push(
      chance.happens(0.5)
        ? `origin: ${chance.of(foreignOrigins)}`
        : `sec-fetch-site: ${chance.of(["cross-site", "same-site"])}`
    )
  }
  const isForeign = namesOther || comesFromOther
  // Who has the token changes nothing either, where the request is foreign or its body can be none that is allowed.
  const mayHaveToken = isForeign || path !== "/api/leadership/resign"
  if (mayHaveToken && chance.happens(0.5)) headers.push(`authorization: Bearer ${token}`)
  else if (chance.happens(0.5)) headers.push(`authorization: ${chance.of(credentials)}`)
  while (chance.happens(0.3)) headers.push(chance.of(oddHeaders))
  const body = chance.happens(0.5) ? chance.of(bodies)(chance) : Buffer.alloc(0)
  if (!headers.some((header) => /^(content-length|transfer-encoding)/.test(header))) {
    headers.push(`content-length: ${body.length}`)
  }
  if (!headers.some((header) => header.includes("content-type"))) headers.push("content-type: application/json")
  if (!headers.some((header) => header.startsWith("upgrade"))) headers.push("connection: close")
  const ended = chance.happens(0.02) ? "" : "\r\n"
  const head = `${line} HTTP/1.${chance.happens(0.98) ? 1 : chance.below(10)}\r\n${headers.join("\r\n")}\r\n${ended}`
  return { bytes: Buffer.concat([Buffer.from(head, "latin1"), body]), isForeign, line }
}
