/**
 * Imports go down only, nothing imports in a circle, platform code stays in few files, and barrels stay out.
 */
import { assert, describe, it } from "@effect/vitest"
import { isBuiltin } from "node:module"
import type { Source } from "./Source.ts"
import * as Sources from "./Source.ts"

/** The floors, the lowest first. Folders on one floor know nothing of each other. */
const floors: ReadonlyArray<ReadonlyArray<string>> = [
  ["protocol"],
  ["settings"],
  ["transport"],
  ["engine"],
  ["backend"],
  ["server"],
  ["registry"],
  ["etcd", "sql", "cluster", "moving"],
  ["client"],
  ["status"],
  ["doctor"],
  // What tests need stands on all that is under test.
  ["testing"],
  ["simulator"],
  // The package's entry points: each puts together what lies below.
  [
    "index.ts",
    "Diagnosis.ts",
    "NodeServer.ts",
    "NodeClient.ts",
    "NodeObserver.ts",
    "Etcd.ts",
    "Moving.ts",
    "NodeEtcd.ts",
    "Sql.ts",
    "StatusApi.ts",
    "StatusClient.ts"
  ],
  ["Cluster.ts", "NodeCluster.ts"],
  ["cli"],
  ["main.ts"]
]

/** Where the platform may be touched, and why. */
const platform: ReadonlyArray<readonly [where: RegExp, why: string]> = [
  [/^transport\/node\/\w+\.ts$/, "the layers for Node of what transport only describes"],
  [/^status\/(?:http\/)?Node\w+\.ts$/, "the layers for Node of what status only describes"],
  [/^Node(Server|Client|Observer|Cluster|Etcd)\.ts$/, "the entry points for Node"],
  [/^cli\//, "a program of Node"],
  [/^main\.ts$/, "the process itself"]
]

/** Entry points that run anywhere: nothing of the platform is reached from them. */
const portable = [
  "index.ts",
  "Cluster.ts",
  "Etcd.ts",
  "Moving.ts",
  "Sql.ts",
  "Diagnosis.ts",
  "StatusApi.ts",
  "StatusClient.ts",
  "testing/index.ts"
]

const placeOf = (path: string) => path.split("/")[0]!
const floorOf = (path: string) => floors.findIndex((places) => places.includes(placeOf(path)))
const isPlatform = (from: string) => isBuiltin(from) || from.startsWith("@effect/platform-")
const isBarrel = (from: string) => /^effect(\/[a-z-]+)?$/.test(from) || /^@effect\/[\w-]+$/.test(from)

const complaintsAboutOne = ({ imports, path }: Source): ReadonlyArray<string> => {
  if (floorOf(path) < 0) return [`${path} is on no floor`]
  return imports.flatMap(({ file, from, isType }) => {
    const complaints: Array<string> = []
    if (file !== undefined) {
      const up = floorOf(file) > floorOf(path)
      const aside = floorOf(file) === floorOf(path) && placeOf(file) !== placeOf(path)
      if (floorOf(file) < 0) complaints.push(`${path} imports ${file}, which is on no floor`)
      else if (up || aside) complaints.push(`${path} imports ${up ? "up" : "aside"}: ${file}`)
    }
    if (!isType && isBarrel(from)) complaints.push(`${path} imports the barrel ${from}`)
    if (isPlatform(from) && !platform.some(([where]) => where.test(path))) {
      complaints.push(`${path} imports the platform: ${from}`)
    }
    return complaints
  })
}

const reachableFrom = (start: string, sources: ReadonlyMap<string, Source>): ReadonlySet<string> => {
  const seen = new Set([start])
  for (const path of seen) {
    for (const { file, isType } of sources.get(path)?.imports ?? []) {
      if (file !== undefined && !isType) seen.add(file)
    }
  }
  return seen
}

/** The program's own way to a server on a LAN, and to one in etcd. */
const starts = {
  lan: ["cli/program.ts", "cli/lan.ts"],
  etcd: ["cli/program.ts", "cli/etcd/serve.ts"]
}

/** What each of them has no use for. */
const unneeded = {
  lan:
    /^(etcd|sql|registry|moving|cluster|client|doctor|testing|simulator)\/|^cli\/commands|^status\/(page|metrics|terminal)\//,
  etcd: /^(sql|moving|cluster|client|doctor|testing|simulator)\/|^cli\/(commands|lan)|^transport\/node\/NodeDatagrams/
}

/** The files and packages that are loaded for a start. */
const loadedFor = (files: ReadonlyArray<string>, sources: ReadonlyMap<string, Source>): ReadonlySet<string> => {
  const loaded = new Set(files)
  for (const path of loaded) {
    for (const { file, from, isLater, isType } of sources.get(path)?.imports ?? []) {
      if (!isType && !isLater) loaded.add(file ?? from)
    }
  }
  return loaded
}

/** Circles, each told once, from its first file in the alphabet. */
const circles = (sources: ReadonlyMap<string, Source>): ReadonlyArray<string> => {
  const found = new Map<string, string>()
  const finished = new Set<string>()
  const walk = (path: string, way: ReadonlyArray<string>): void => {
    const at = way.indexOf(path)
    if (at >= 0) {
      const circle = way.slice(at)
      const first = circle.indexOf(circle.toSorted()[0]!)
      const turned = [...circle.slice(first), ...circle.slice(0, first)]
      found.set(turned.join(), `a circle: ${[...turned, turned[0]].join(" -> ")}`)
    } else if (!finished.has(path)) {
      for (const { file } of sources.get(path)?.imports ?? []) {
        if (file !== undefined) walk(file, [...way, path])
      }
      finished.add(path)
    }
  }
  for (const path of sources.keys()) walk(path, [])
  return [...found.values()]
}

const complaintsAbout = (list: ReadonlyArray<Source>): ReadonlyArray<string> => {
  const sources = new Map(list.map((source) => [source.path, source]))
  return [
    ...list.flatMap(complaintsAboutOne),
    ...circles(sources),
    ...portable.flatMap((entry) =>
      [...reachableFrom(entry, sources)].flatMap((path) =>
        (sources.get(path)?.imports ?? [])
          .filter(({ from, isType }) => !isType && isPlatform(from))
          .map(({ from }) => `${entry} reaches the platform through ${path}: ${from}`)
      )
    )
  ]
}

const about = (files: Record<string, string>) =>
  complaintsAbout(Object.entries(files).map(([path, text]) => Sources.parse(path, text)))

describe("imports", () => {
  it("of src are as the house wants them", () => {
    const sources = Sources.all()
    assert.isAbove(sources.length, 0)
    assert.deepStrictEqual(complaintsAbout(sources), [])
  })

  it.each(["lan", "etcd"] as const)("load nothing that a server does not need at its start: %s", (backend) => {
    const sources = new Map(Sources.all().map((source) => [source.path, source]))
    const loaded = [...loadedFor(starts[backend], sources)]
    assert.include(loaded, backend === "lan" ? "server/Server.ts" : "etcd/EtcdRegistry.ts")
    assert.deepStrictEqual(
      loaded.filter((path) => unneeded[backend].test(path) || /^effect\/(cli|http-api)/.test(path)),
      []
    )
  })

  it("go down", () => {
    assert.deepStrictEqual(
      about({
        "server/A.ts": `import * as B from "../protocol/B.ts"\nimport * as Effect from "effect/Effect"`,
        "protocol/B.ts": `import type * as Schema from "effect"`,
        "transport/node/C.ts": `import * as B from "../../protocol/B.ts"\nimport * as Dgram from "node:dgram"`
      }),
      []
    )
  })

  it.each([
    ["up", { "protocol/A.ts": `import * as B from "../transport/B.ts"` }, "protocol/A.ts imports up: transport/B.ts"],
    ["up by type", { "server/A.ts": `import type { B } from "../cli/B.ts"` }, "server/A.ts imports up: cli/B.ts"],
    ["up by export", { "server/A.ts": `export * from "../testing/B.ts"` }, "server/A.ts imports up: testing/B.ts"],
    ["up later", { "server/A.ts": `void import("../main.ts")` }, "server/A.ts imports up: main.ts"],
    ["aside", { "index.ts": `import * as B from "./NodeServer.ts"` }, "index.ts imports aside: NodeServer.ts"],
    ["nowhere", { "util/A.ts": "" }, "util/A.ts is on no floor"],
    ["a barrel", { "server/A.ts": `import { Effect } from "effect"` }, "server/A.ts imports the barrel effect"],
    ["a lesser barrel", { "cli/A.ts": `import { Flag } from "effect/cli"` }, "cli/A.ts imports the barrel effect/cli"],
    ["Node's modules", { "server/A.ts": `import * as Os from "os"` }, "server/A.ts imports the platform: os"],
    [
      "a circle",
      {
        "server/B.ts": `import "./C.ts"`,
        "server/C.ts": `import "./A.ts"`,
        "server/A.ts": `import type { B } from "./B.ts"`
      },
      "a circle: server/A.ts -> server/B.ts -> server/C.ts -> server/A.ts"
    ],
    [
      "the platform from afar",
      { "index.ts": `export * as A from "./transport/node/A.ts"`, "transport/node/A.ts": `import "node:dgram"` },
      "index.ts reaches the platform through transport/node/A.ts: node:dgram"
    ]
  ])("are refused: %s", (_, files: Record<string, string>, complaint) => {
    assert.deepStrictEqual(about(files), [complaint])
  })
})
