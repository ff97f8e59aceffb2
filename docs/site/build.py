#!/usr/bin/env python3
"""build.py ROOT OUT: the guides and the API reference as one folder of plain HTML, for ./run docs.

The guides are the Markdown files that pages.json lists, and what they link to; the reference is what
Doxygen reads in the public headers. One style sheet, no script, nothing from elsewhere.
"""

import html
import json
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import markdown

root, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
site = root / "docs/site"


def title_of(file):
    return re.search(r"^# (.+)$", (root / file).read_text(), re.M).group(1).replace("`", "")


sections = json.loads((site / "pages.json").read_text())
listed = {file for section in sections for file in section["pages"]}
for file in sorted(f"docs/{p.name}" for p in (root / "docs").glob("*.md")):
    if file not in listed:  # a new one: among those of its kind until somebody gives it a place
        next(s for s in sections if s["title"] == "In full")["pages"][file] = title_of(file)
# Markdown file -> page
pages = {file: "index.html" if file == "README.md" else pathlib.Path(file).stem.lower() + ".html"
         for section in sections for file in section["pages"]}
version = re.search(r"project\(libfle VERSION ([0-9.]+)", (root / "CMakeLists.txt").read_text()).group(1)
sources = {}  # what pages link to and is no page: path in the repository -> page


def slug(text, separator="-"):
    """The anchor of a heading as GitHub makes it, so that links work in both places."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", separator)


def target(link, file):
    """Where a link of a Markdown file leads in the site."""
    if re.match(r"[a-z]+:|#", link):
        return link
    path, _, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if path in pages:
        to = pages[path]
    elif path.endswith(".svg"):
        to = posixpath.basename(path)
        shutil.copy(root / path, out / to)
    elif (root / path).exists():
        to = sources.setdefault(path, "source-" + path.strip("/").replace("/", "-") + ".html")
    else:
        raise SystemExit(f"{file}: {link} leads nowhere")
    return to + ("#" + anchor if anchor else "")


def navigation(here, up=""):
    parts = []
    for section in sections:
        parts.append(f'<h2>{html.escape(section["title"])}</h2><ul>')
        for file, name in section["pages"].items():
            current = ' aria-current="page"' if pages[file] == here else ""
            parts.append(f'<li><a href="{up}{pages[file]}"{current}>{html.escape(name)}</a></li>')
        parts.append("</ul>")
    parts.append("<h2>C++ reference</h2><ul>")
    for to, name in (("index", "Headers"), ("annotated", "Classes"), ("namespaces", "Namespaces")):
        current = ' aria-current="page"' if f"reference/{to}.html" == here else ""
        parts.append(f'<li><a href="{up}reference/{to}.html"{current}>{name}</a></li>')
    return "\n".join([*parts, "</ul>"])


def shell(title, here, body, up=""):
    """A whole page."""
    text = (site / "page.html").read_text()
    for name, value in (("title", title), ("up", up), ("version", version), ("body", body),
                        ("navigation", navigation(here, up))):
        text = text.replace("@" + name + "@", value)
    return text


def widen(text):
    """Tables scroll by themselves where the screen is narrow."""
    return text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def name_link(file):
    def name(m):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), html.unescape(m[1])))
        return f'<a href="{m[1]}">{html.escape(title_of(path))}</a>' if path in pages else m[0]
    return name


def guide(file):
    text = (root / file).read_text()
    converter = markdown.Markdown(extensions=["tables", "fenced_code", "sane_lists", "toc"],
                                  extension_configs={"toc": {"slugify": slug, "toc_depth": "2-3"}})
    # A list right below a paragraph is one on GitHub, too; here it wants an empty line.
    text = re.sub(r"^((?!\s*[-*|] |\s*\d+\. |\s{2}).+\n)(?=(?:[-*]|\d+\.) )", r"\1\n", text, flags=re.M)
    body = widen(converter.convert(text))
    # In the repository a link is called by its file, here by its page.
    body = re.sub(r'<a href="([^"#]*)">(?:docs/)?[\w-]+\.md</a>', name_link(file), body)
    body = re.sub(r'(href|src)="([^"]*)"',
                  lambda m: f'{m[1]}="{html.escape(target(html.unescape(m[2]), file))}"', body)
    body = re.sub(r'<h([23]) id="([^"]+)">(.*?)</h\1>',
                  r'<h\1 id="\2">\3 <a class="here" href="#\2" aria-label="link to this">#</a></h\1>', body)
    toc = [t for level in converter.toc_tokens for t in level["children"]]
    if len(toc) > 3:
        items = "".join(f'<li><a href="#{t["id"]}">{t["name"]}</a></li>' for t in toc)
        body = body.replace("</h1>", f'</h1>\n<details class="toc"><summary>On this page</summary><ul>{items}</ul></details>', 1)
    return body


def source(path):
    """A file of the repository, or those of a folder, as they are."""
    whole = root / path
    files = [whole] if whole.is_file() else sorted(f for f in whole.iterdir() if f.is_file())
    body = [f"<h1>{html.escape(path)}</h1>"]
    for file in files:
        if len(files) > 1:
            body.append(f"<h2>{html.escape(file.name)}</h2>")
        body.append(f"<pre><code>{html.escape(file.read_text())}</code></pre>")
    return "\n".join(body)


def reference():
    """Doxygen's pages between our head and foot, without its scripts and pictures."""
    head, foot = shell("$title", "reference/none.html", '<div id="top">@@', "../").split("@@")
    work = out.parent / (out.name + ".doxygen")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "head.html").write_text(head)
    (work / "foot.html").write_text(foot)
    includes = " ".join(sorted(str(p.relative_to(root)) for p in root.glob("*/include") if p.parent.name != "files"))
    # It declares nothing, and Doxygen does not tell it from fle.h, which is C's.
    umbrella = "client/include/fle/fle.h"
    settings = (site / "Doxyfile").read_text() + f"""
PROJECT_NUMBER = {version}
INPUT = {includes}
STRIP_FROM_PATH = {includes}
STRIP_FROM_INC_PATH = {includes}
EXCLUDE = {umbrella}
OUTPUT_DIRECTORY = {work}
GENERATE_TAGFILE = {work}/tags
HTML_HEADER = {work}/head.html
HTML_FOOTER = {work}/foot.html
HTML_STYLESHEET = {site}/style.css
"""
    run = subprocess.run(["doxygen", "-"], cwd=root, input=settings, text=True, stderr=subprocess.PIPE, check=False)
    if run.returncode != 0 or run.stderr:
        raise SystemExit(f"doxygen:\n{run.stderr}")
    # Its indexes of single names say less than the pages of headers and classes.
    texts = {p.name: p.read_text() for p in sorted((work / "reference").glob("*.html"))
             if not re.match(r"(functions|globals|namespacemembers|index|classes|hierarchy)", p.name)}
    ids = {name: set(re.findall(r'(?:id|name)="([^"]+)"', text)) for name, text in texts.items()}

    def link(m):
        """Doxygen points at friends that it describes nowhere, and at pages that are left out."""
        to, _, anchor = m[1].partition("#")
        lives = re.match(r"[a-z]+:|\.\./", m[1]) or (
            (to or name) in texts and (not anchor or anchor in ids[to or name]))
        return m[0] if lives else m[2]

    (out / "reference").mkdir()
    for name, text in texts.items():
        text = re.sub(r"<script.*?</script>", "", text, flags=re.S)
        text = re.sub(r' on\w+="[^"]*"', "", text)
        text = re.sub(r"<img [^>]*>|<span [^>]*javascript[^>]*>.*?</span>", "", text)
        text = re.sub(r'<a (?:class="\w+" )?href="([^"]*)"[^>]*>(.*?)</a>', link, text)
        text = re.sub(r'(<div class="title">)(.*?)(</div>)', lambda m: m[1] + m[2].replace("::", "::<wbr>") + m[3], text)
        (out / "reference" / name).write_text(text)

    of_header = {f.findtext("path") + f.findtext("name"): f.findtext("filename")
                 for f in xml.etree.ElementTree.parse(work / "tags").iterfind("compound[@kind='file']")}
    body = ["<h1>Headers</h1>",
            "<p>What a header is for stands in its comments, and on these pages. Names are in the namespace "
            "<code>fle</code> or one below it.</p>"]
    for folder in includes.split():
        body.append(f"<h2>{folder.partition('/')[0]}</h2><ul>")
        for header in sorted((root / folder).rglob("*.h")):
            name = header.relative_to(root / folder).as_posix()
            page = next((of_header[k] for k in (name, str(header)) if k in of_header), None)
            if page is None and str(header.relative_to(root)) != umbrella:
                raise SystemExit(f"{name} has no page")
            body.append(f'<li><a href="{page}"><code>{name}</code></a></li>' if page else
                        f"<li><code>{name}</code>: all of the C++ interface</li>")
        body.append("</ul>")
    (out / "reference/index.html").write_text(shell("Headers", "reference/index.html", "\n".join(body), "../"))
    shutil.rmtree(work)


shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
shutil.copy(site / "style.css", out)
for file, page in pages.items():
    (out / page).write_text(shell(html.escape(title_of(file)), page, guide(file)))
for path, page in sources.items():
    (out / page).write_text(shell(html.escape(path), page, source(path)))
if "--guides" not in sys.argv:
    reference()
print(f"{len(pages)} guides, {len(sources)} sources,",
      f"{len(list((out / 'reference').glob('*.html')))} pages of reference" if (out / "reference").exists() else "no reference")
