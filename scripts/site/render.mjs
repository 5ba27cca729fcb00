// Markdown to HTML. Headings have the anchors that GitHub gives them, and links between documents lead to their pages.
import { Marked } from "marked"
import { readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { root } from "../setup.mjs"

const escape = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** The anchors of one page: the second heading of the same text gets `-1`, and so on. */
const anchors = () => {
  const seen = new Map()
  return (text) => {
    const slug = text.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-")
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  }
}

/** The page and its anchor that a link leads to; undefined for a file of the project that has no page. */
const target = (href, source, documents) => {
  const [path, anchor] = href.split("#")
  const hash = anchor === undefined ? "" : `#${anchor}`
  if (path === "") return hash
  const file = documents.find((page) => page.source === posix.join(posix.dirname(source), path))?.file
  return file === undefined ? undefined : file + hash
}

/** Its title, its body, its headings, and the files of its pictures, which stand beside the page. The text is that of the source, unless it is given. */
export const render = (source, documents, text = readFileSync(join(root, source), "utf8")) => {
  const anchorOf = anchors()
  const headings = []
  const pictures = []
  const plain = (tokens) =>
    tokens.map((token) => token.tokens === undefined ? token.text : plain(token.tokens)).join("")
  const renderer = {
    heading({ depth, tokens }) {
      const title = plain(tokens)
      const anchor = anchorOf(title)
      headings.push({ anchor, depth, title })
      return `<h${depth} id="${escape(anchor)}"><a href="#${escape(anchor)}">${
        this.parser.parseInline(tokens)
      }</a></h${depth}>\n`
    },
    image({ href, text }) {
      pictures.push(posix.join(posix.dirname(source), href))
      return `<img src="${escape(posix.basename(href))}" alt="${escape(text)}">`
    },
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens)
      const to = /^https?:/.test(href) || href.endsWith(".html") ? href : target(href, source, documents)
      return to === undefined
        ? `<span class="file" title="${escape(posix.join(posix.dirname(source), href))}">${inner}</span>`
        : `<a href="${escape(to)}">${inner}</a>`
    }
  }
  const body = new Marked({ renderer }).parse(text)
    .replaceAll("<table>", "<div class=\"table\"><table>").replaceAll("</table>", "</table></div>")
  return { body, headings, pictures, title: headings[0]?.title ?? source }
}
