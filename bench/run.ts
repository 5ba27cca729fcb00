/**
 * `npm run bench -- NAME ...`: the measurements, one file each. Without a name it says which there are.
 */
const benches: Readonly<Record<string, () => Promise<(args: ReadonlyArray<string>) => Promise<void>>>> = {
  cluster: async () => (await import("./cluster.ts")).cluster,
  crash: async () => (await import("./crash.ts")).crash,
  compare: async () => (await import("./compare.ts")).compare,
  figures: async () => (await import("./figures.ts")).figures,
  flood: async () => (await import("./flood.ts")).flood,
  sealing: async () => (await import("./sealing.ts")).sealing,
  group: async () => (await import("./group.ts")).group,
  heartbeat: async () => (await import("./heartbeat.ts")).heartbeat,
  http: async () => (await import("./http.ts")).http,
  idle: async () => (await import("./idle.ts")).idle,
  page: async () => (await import("./page.ts")).page,
  members: async () => (await import("./members.ts")).members,
  start: async () => (await import("./start.ts")).start,
  socket: async () => (await import("./socket.ts")).socket,
  receive: async () => (await import("./receive.ts")).receive,
  memory: async () => (await import("./memory.ts")).memory,
  messages: async () => (await import("./messages.ts")).messages,
  talk: async () => (await import("./talk.ts")).talk
}

const [name = "", ...args] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (bench === undefined) {
  process.stderr.write(`bench is ${JSON.stringify(name)}; allowed: ${Object.keys(benches).join(", ")}\n`)
  process.exitCode = 2
} else {
  await (await bench())(args)
}
