#!/usr/bin/env python3
"""check.py SITE: every link of every page leads somewhere inside the site, anchors included; nothing is
loaded from elsewhere, and there is no script. Links to other sites are named by their number, not followed."""

import html.parser
import pathlib
import posixpath
import sys
import urllib.parse

site = pathlib.Path(sys.argv[1])


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.faults = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        for key in ("id", "name"):
            if key in attrs and not (key == "id" and tag == "meta"):
                if key == "id" and attrs[key] in self.ids:
                    self.faults.append(f"the id '{attrs[key]}' twice")
                self.ids.add(attrs[key])
        if tag == "script" or any(k.startswith("on") for k in attrs):
            self.faults.append("a script")
        for key in ("href", "src"):
            if key in attrs:
                self.links.append((tag, attrs[key]))


pages = {p.relative_to(site).as_posix(): Page(p.read_text()) for p in site.rglob("*.html")}
faults, n_links, n_outside = [], 0, 0
for name, page in pages.items():
    faults += [f"{name}: {f}" for f in page.faults]
    for tag, link in page.links:
        n_links += 1
        url = urllib.parse.urlsplit(link)
        if url.scheme or url.netloc:
            n_outside += 1
            if tag != "a" or url.scheme not in ("https", "http", "mailto"):
                faults.append(f"{name}: {tag} from {link}")
            continue
        to = posixpath.normpath(posixpath.join(posixpath.dirname(name), urllib.parse.unquote(url.path))) if url.path else name
        if to in pages:
            if url.fragment and urllib.parse.unquote(url.fragment) not in pages[to].ids:
                faults.append(f"{name}: {link}: no such place")
        elif not (site / to).is_file():
            faults.append(f"{name}: {link}: no such page")
if len(pages) < 10 or n_links < 100:
    faults.append(f"only {len(pages)} pages with {n_links} links")
if faults:
    sys.exit(f"{len(faults)} faults of the site:\n  " + "\n  ".join(faults[:60]))
print(f"{len(pages)} pages, {n_links} links, {n_outside} of them to other sites")
