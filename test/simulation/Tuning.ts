/**
 * What the leader's pace and the time-out of a question come to on several networks: how soon a leader that is cut off is replaced,
 * and how often one that lives is given up.
 */
import * as Radio from "./Radio.ts"

export interface Point extends Radio.Figure {
  readonly network: Radio.Network
  readonly leaderInterval: number
  readonly probeTimeout: number
}

/** The servers of a group. */
const servers = 4

export interface Grid {
  readonly networks: ReadonlyArray<Radio.Network>
  readonly leaderIntervals: ReadonlyArray<number>
  readonly probeTimeouts: ReadonlyArray<number>
  /** How many signs of life are given in peace, and how often the leader is cut off. */
  readonly signs: number
  readonly cuts: number
}

export const grid: Grid = {
  networks: Object.values(Radio.networks),
  leaderIntervals: [30, 150, 500, 2_000],
  probeTimeouts: [10, 50, 150, 500],
  signs: 14_400,
  cuts: 15
}

/** The times of a group that go with a pace and the time-out of a question. */
const timingOf = (leaderInterval: number, probeTimeout: number) => {
  const profile = leaderInterval < 100 ? "realtime" : leaderInterval < 500 ? "fast" : "standard"
  return Radio.timing({ leaderInterval, probeTimeout, okTimeout: 4 * probeTimeout }, profile)
}

export const measureAll = (
  progress: (done: number, all: number) => void,
  { cuts, leaderIntervals, networks, probeTimeouts, signs }: Grid = grid
): ReadonlyArray<Point> => {
  const all = networks.flatMap((network) =>
    leaderIntervals.flatMap((leaderInterval) =>
      probeTimeouts.map((probeTimeout) => ({ network, leaderInterval, probeTimeout }))
    )
  )
  return all.map((point, index) => {
    const hours = signs * point.leaderInterval / 3_600_000
    const timing = timingOf(point.leaderInterval, point.probeTimeout)
    const figure = Radio.measure(point.network, timing, { cuts, hours, seed: 1 + index, servers })
    progress(index + 1, all.length)
    return Object.assign(figure, point)
  })
}

// --- The picture ---

const width = 760
const height = 460
const left = 70
const right = 190
const top = 24
const bottom = 54
const [soonest, latest] = [0.1, 20]
/** What is seldom enough to be none, an hour. */
const [seldom, often] = [0.05, 10_000]

const log = (value: number, least: number, most: number): number =>
  Math.log(Math.min(most, Math.max(least, value)) / least) / Math.log(most / least)

const x = (seconds: number): number => left + log(seconds, soonest, latest) * (width - left - right)
const y = (demotions: number): number => height - bottom - log(demotions, seldom, often) * (height - top - bottom)

const colours = ["#2b6cb0", "#2f855a", "#b7791f", "#c53030"]
const at = (value: number) => value.toFixed(1)

const text = (where: string, what: string, anchor = "start") =>
  `<text ${where} text-anchor="${anchor}" font-family="sans-serif" font-size="12" fill="#444">${what}</text>`

const axes = (): ReadonlyArray<string> => [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 20].flatMap((seconds) => [
    `<line x1="${at(x(seconds))}" y1="${top}" x2="${at(x(seconds))}" y2="${height - bottom}" stroke="#ddd"/>`,
    text(`x="${at(x(seconds))}" y="${height - bottom + 18}"`, String(seconds), "middle")
  ]),
  ...[0.05, 1, 10, 100, 1_000, 10_000].flatMap((demotions) => [
    `<line x1="${left}" y1="${at(y(demotions))}" x2="${width - right}" y2="${at(y(demotions))}" stroke="#ddd"/>`,
    text(`x="${left - 8}" y="${at(y(demotions) + 4)}"`, demotions === seldom ? "none" : String(demotions), "end")
  ]),
  text(
    `x="${(left + width - right) / 2}" y="${height - 12}"`,
    "seconds until a leader that is cut off is replaced",
    "middle"
  ),
  `<g transform="translate(16 ${(height - bottom + top) / 2}) rotate(-90)">${
    text(`x="0" y="0"`, "false demotions an hour and follower", "middle")
  }</g>`
]

/** A dot for each, the larger the longer its `leaderInterval`; the standard's is ringed. */
export const draw = (points: ReadonlyArray<Point>): string => {
  const networks = [...new Set(points.map(({ network }) => network))]
  const colour = (network: Radio.Network) => colours[networks.indexOf(network) % colours.length]!
  const dots = points.map(({ demotions, detection, leaderInterval, network, probeTimeout }) => {
    const isStandard = leaderInterval === 500 && probeTimeout === 150
    const ring = isStandard ? ` stroke="#000" stroke-width="2"` : ""
    const told = `${network.name}: leaderInterval ${leaderInterval} ms, probeTimeout ${probeTimeout} ms: ${
      shown(detection)
    } s, ${shown(demotions)} an hour`
    return `<circle cx="${at(x(detection))}" cy="${at(y(demotions))}" r="${
      at(2.5 + 1.6 * Math.log10(leaderInterval / 10))
    }" fill="${colour(network)}" fill-opacity="0.75"${ring}><title>${told}</title></circle>`
  })
  const legend = networks.map((network, index) =>
    `<circle cx="${width - right + 22}" cy="${top + 10 + 22 * index}" r="6" fill="${colour(network)}"/>${
      text(`x="${width - right + 34}" y="${top + 14 + 22 * index}"`, network.name)
    }`
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>Detection time against false demotions</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...axes(),
    ...dots,
    ...legend,
    "</svg>",
    ""
  ].join("\n")
}

const shown = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

/** One line for each pair of times: seconds until a leader is replaced, and false demotions an hour, on each network. */
export const table = (points: ReadonlyArray<Point>): string => {
  const networks = [...new Set(points.map(({ network }) => network))]
  const lines = new Map<string, Array<Point>>()
  for (const point of points) {
    const key = `${point.leaderInterval} / ${point.probeTimeout} ms`
    lines.set(key, [...lines.get(key) ?? [], point])
  }
  return [
    `| leaderInterval / probeTimeout | ${networks.map(({ name }) => name).join(" | ")} |`,
    `| --- |${" --- |".repeat(networks.length)}`,
    ...[...lines].map(([key, row]) =>
      `| ${key} | ${
        row.map(({ demotions, detection }) => `${shown(detection)} s, ${demotions === 0 ? "none" : shown(demotions)}`)
          .join(
            " | "
          )
      } |`
    )
  ].join("\n")
}
