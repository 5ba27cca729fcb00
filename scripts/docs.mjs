// `npm run docs`: the documents and the reference of the package as plain pages, in `site`. It needs no network.
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { ensureDependencies, main, remove, root, say } from "./setup.mjs"

/** What every reader needs stands first; the rest follows by name. */
const order = ["guide", "operations", "settings", "events", "promises", "faults", "performance", "protocol", "security"]

const documents = () => {
  const names = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => name.slice(0, -3))
  const rank = (name) => (order.indexOf(name) + order.length + 1) % (order.length + 1)
  return [
    { source: "README.md", file: "index.html" },
    ...names.sort((a, b) => rank(a) - rank(b)).map((name) => ({ source: `docs/${name}.md`, file: `${name}.html` })),
    { source: "examples/README.md", file: "examples.html" },
    { source: "CHANGELOG.md", file: "changelog.html" }
  ]
}

main(async () => {
  await ensureDependencies()
  // They need what has just been installed.
  const { reference } = await import("./site/reference.mjs")
  const { render } = await import("./site/render.mjs")
  const { html, style } = await import("./site/html.mjs")
  const out = resolve(process.argv[2] ?? join(root, "site"))
  const all = documents()
  const pages = [
    ...all.map(({ file, source }) => ({ group: "Documents", file, page: render(source, all) })),
    ...reference().map(({ file, source, text }) => ({ group: "Reference", file, page: render(source, all, text) }))
  ]
  remove(out)
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, "style.css"), style)
  for (const one of pages) writeFileSync(join(out, one.file), html(one, pages))
  const pictures = new Set(pages.flatMap(({ page }) => page.pictures))
  for (const picture of pictures) copyFileSync(join(root, picture), join(out, basename(picture)))
  say(`${pages.length} pages in ${out}: open index.html`)
})
