// What a terminal showed, as an animated SVG: text that stays text, in light and dark, and still where motion is not wanted.

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const cell = { width: 8.4, height: 19 }
const margin = 14

// The few looks of a terminal that are drawn; others look like plain text.
const looks = { 1: "b", 2: "d", 31: "r", 32: "g", 33: "y" }

/**
 * The rows of a terminal with the codes of its colours, as tmux gives them, each as SVG. A look goes on from one row to the next until
 * a code changes it.
 */
export const rowsOf = (screen) => {
  let now = new Set()
  const change = (code) => {
    if (code === "0") now = new Set()
    else if (code === "39") now = new Set([...now].filter((look) => look === "b" || look === "d"))
    else if (code in looks) now = new Set([...now, looks[code]])
  }
  const piece = (text) => now.size === 0 ? escape(text) : `<tspan class="${[...now].join(" ")}">${escape(text)}</tspan>`
  const row = (line) => {
    let text = ""
    // oxlint-disable-next-line no-control-regex
    for (const [found, codes] of line.matchAll(/\u001B\[([\d;]*)m|[^\u001B]+/g)) {
      if (codes === undefined) text += piece(found)
      else for (const code of codes === "" ? ["0"] : codes.split(";")) change(code)
    }
    return text
  }
  return screen.split("\n").map((line) => row(line.trimEnd()))
}

/** When each text stands in a row: each frame has its rows, and the ms since the start from which they were shown. */
const spansOf = (frames, end) => {
  const spans = []
  const height = Math.max(...frames.map(({ rows }) => rows.length))
  for (let row = 0; row < height; row++) {
    let open
    for (const { at, rows } of [...frames, { at: end, rows: [] }]) {
      const shown = rows[row] ?? ""
      if (open?.shown === shown) continue
      if (open !== undefined && open.shown.trim() !== "") spans.push({ ...open, to: at })
      open = { row, shown, from: at }
    }
  }
  return spans
}

const style = `
svg{--back:#fff;--edge:#d0d7de;--text:#1f2328;--dim:#59636e;--green:#116329;--yellow:#7d4e00;--red:#a40e26}
@media(prefers-color-scheme:dark){svg{--back:#0d1117;--edge:#30363d;--text:#e6edf3;--dim:#9198a1;--green:#3fb950;--yellow:#d29922;--red:#ff7b72}}
rect{fill:var(--back);stroke:var(--edge)}
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--text);white-space:pre}
.b{font-weight:bold}.d{fill:var(--dim)}.g{fill:var(--green)}.y{fill:var(--yellow)}.r{fill:var(--red)}
`.trim()

/**
 * The SVG. It repeats, `duration` ms each time. Where motion is not wanted it shows the last frame, which tells the whole
 * story. `title` says what is to be seen to somebody who cannot see it.
 */
export const svg = ({ columns, duration, frames, title }) => {
  const spans = spansOf(frames, duration)
  const percent = (at) => `${Number((at / duration * 100).toFixed(2))}%`
  const names = new Map()
  for (const { from, to } of spans) {
    const key = `${from}-${to}`
    if ((from > 0 || to < duration) && !names.has(key)) names.set(key, { name: `a${names.size}`, from, to })
  }
  const keyframes = [...names.values()].map(({ from, name, to }) => {
    const steps = [
      ...from > 0 ? ["0%{visibility:hidden}"] : [],
      `${percent(from)}{visibility:visible}`,
      ...to < duration ? [`${percent(to)}{visibility:hidden}`] : []
    ]
    return `.${name}{animation:${name} ${duration}ms step-end infinite${to < duration ? ";visibility:hidden" : ""}}` +
      `@keyframes ${name}{${steps.join("")}${to < duration ? "" : "100%{visibility:visible}"}}`
  })
  const height = Math.max(...frames.map(({ rows }) => rows.length))
  const width = Math.ceil(columns * cell.width + 2 * margin)
  const tall = Math.ceil(height * cell.height + 2 * margin)
  const lines = spans.map(({ from, row, shown, to }) => {
    const found = names.get(`${from}-${to}`)
    const y = Math.round(margin + (row + 0.75) * cell.height)
    return `<text x="${margin}" y="${y}"${
      found === undefined ? "" : ` class="${found.name}"`
    } xml:space="preserve">${shown}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" width="${width}" height="${tall}" role="img" aria-label="${
      escape(title).replaceAll("\"", "&quot;")
    }">`,
    `<style>${style}`,
    ...keyframes,
    "@media(prefers-reduced-motion:reduce){text{animation:none!important}}</style>",
    `<rect x=".5" y=".5" width="${width - 1}" height="${tall - 1}" rx="8"/>`,
    ...lines,
    "</svg>",
    ""
  ].join("\n")
}
