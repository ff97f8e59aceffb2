#!/usr/bin/env python3
"""widths.py SITE: opens every page in headless Chromium, as wide as a phone and as a laptop. None may be
wider than its screen: what is wide (code, tables) scrolls by itself."""

import json
import pathlib
import re
import subprocess
import sys

site = pathlib.Path(sys.argv[1]).resolve()
pages = [p.relative_to(site).as_posix() for p in sorted(site.rglob("*.html"))]
faults = []
probe = site.parent / (site.name + "-probe.html")
for width in (390, 1280):
    probe.write_text("""<iframe id=page style="width:%dpx;height:800px;border:0"></iframe><pre id=wide></pre><script>
const pages = %s, frame = document.getElementById('page');
let i = 0;
frame.onload = () => {
  const root = frame.contentDocument.documentElement;
  if (i > 0 && root.scrollWidth > %d) document.getElementById('wide').append(pages[i - 1], ' ', root.scrollWidth, '\\n');
  if (i < pages.length) frame.src = '%s/' + pages[i++]; else document.title = 'all';
};
frame.src = 'about:blank';
</script>""" % (width, json.dumps(pages), width, site.name))
    shown = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         "--virtual-time-budget=600000", "--window-size=1400,1000", "--dump-dom", probe.as_uri()],
        capture_output=True, text=True, check=False).stdout
    if "<title>all</title>" not in shown:
        sys.exit("Chromium did not open all pages")
    wide = re.search(r'<pre id="wide">(.*?)</pre>', shown, re.S)[1]
    faults += [f"at {width} pixels: {line}" for line in wide.split("\n") if line]
probe.unlink()
if faults:
    sys.exit("pages wider than the screen:\n  " + "\n  ".join(faults))
print(f"{len(pages)} pages fit 390 and 1280 pixels")
