// What stands around each page: the navigation and the style, readable in light and in dark.
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const links = (pages, current) =>
  pages.map(({ file, page }) =>
    `<li><a href="${file}"${file === current ? " aria-current=\"page\"" : ""}>${escape(page.title)}</a></li>`
  ).join("\n")

const outline = ({ headings }) =>
  headings.filter(({ depth }) => depth === 2).map(({ anchor, title }) =>
    `<li><a href="#${anchor}">${escape(title)}</a></li>`
  ).join("\n")

/** One page of the site. */
export const html = ({ file, page }, pages) => {
  const groups = [...new Set(pages.map(({ group }) => group))]
  const navigation = groups.map((group) =>
    `<p>${group}</p>\n<ul>\n${links(pages.filter((one) => one.group === group), file)}\n</ul>`
  ).join("\n")
  const inside = outline(page)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${file === "index.html" ? "Bellwether" : `${escape(page.title)} - Bellwether`}</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<nav>
${navigation}
</nav>
<main>
${inside === "" ? "" : `<details><summary>On this page</summary>\n<ul>\n${inside}\n</ul></details>`}
${page.body}
</main>
</body>
</html>
`
}

export const style = `:root {
  color-scheme: light dark;
  --text: light-dark(#1c2126, #d9dee3);
  --ground: light-dark(#fff, #15181b);
  --raised: light-dark(#f3f5f7, #1f2428);
  --line: light-dark(#d5dade, #3a4147);
  --link: light-dark(#0757b3, #7db7ff);
}
* { box-sizing: border-box; }
body { margin: 0; display: flex; gap: 2rem; max-width: 76rem; padding: 1rem; color: var(--text); background: var(--ground);
  font: 1rem/1.55 system-ui, sans-serif; }
nav { flex: 0 0 13rem; position: sticky; top: 1rem; align-self: flex-start; max-height: calc(100vh - 2rem); overflow-y: auto; }
nav p { margin: 1rem 0 .25rem; font-weight: 600; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav [aria-current] { font-weight: 600; color: inherit; }
main { flex: 1; min-width: 0; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
h1 a, h2 a, h3 a, h4 a { color: inherit; }
h2 { margin-top: 2.5rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
pre, code { font: .875rem/1.5 ui-monospace, monospace; background: var(--raised); border-radius: 4px; }
code { padding: .1em .3em; overflow-wrap: break-word; }
pre { padding: .75rem 1rem; overflow-x: auto; }
pre code { padding: 0; overflow-wrap: normal; }
.table { overflow-x: auto; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .6rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
details { margin: .5rem 0; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; max-height: none; columns: 2; } }
`
