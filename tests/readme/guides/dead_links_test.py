#!/usr/bin/env python3
"""dead_links_test.py CHECK WORK: CHECK finds each fault that is planted in a small site, and none in a good one."""

import pathlib
import shutil
import subprocess
import sys

check, work = sys.argv[1], pathlib.Path(sys.argv[2])


def run(extra):
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for n in range(10):
        links = "".join(f'<a href="{k}.html#top">x</a>' for k in range(10))
        (work / f"{n}.html").write_text(f'<p id="top">{links}</p>' + (extra if n == 3 else ""))
    return subprocess.run([sys.executable, check, str(work)], capture_output=True, text=True, check=False)


good = run('<a href="https://example.com/">x</a>')
assert good.returncode == 0 and good.stdout.startswith("10 pages, 101 links, 1 "), good
for extra, said in (('<a href="11.html">x</a>', "11.html: no such page"),
                    ('<a href="1.html#nowhere">x</a>', "1.html#nowhere: no such place"),
                    ('<a href="#nowhere">x</a>', "#nowhere: no such place"),
                    ('<a href="javascript:void(0)">x</a>', "a from javascript"),
                    ('<img src="https://example.com/x.png">', "img from https"),
                    ('<link rel="stylesheet" href="//example.com/x.css">', "link from //"),
                    ("<script>1</script>", "a script"),
                    ('<p onclick="x()">x</p>', "a script"),
                    ('<p id="top">x</p>', "the id 'top' twice")):
    bad = run(extra)
    assert bad.returncode == 1 and said in bad.stderr, (extra, bad)
