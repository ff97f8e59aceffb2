#!/usr/bin/env python3
"""shown_lines.py PAGE WORK [--path FOLDER] [--replace OLD=NEW]... [--until LINE]

Runs the shell blocks of a guide in order, in one shell below WORK, and compares what each prints with the
text block right behind it. In a text block "..." stands for anything: in a line, or alone for any lines.
A js block is added to the file that its first line names: // clinic.mjs
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

options = argparse.ArgumentParser()
options.add_argument("page")
options.add_argument("work")
options.add_argument("--path", default="")
options.add_argument("--replace", action="append", default=[])
options.add_argument("--until", help="a line at which the page ends")
o = options.parse_args()
text = pathlib.Path(o.page).read_text()
if o.until:
    text = text[: text.index(f"\n{o.until}\n")]
for rule in o.replace:
    old, _, new = rule.partition("=")
    if not o.until and old not in text:
        sys.exit(f"{o.page} does not have '{old}'")
    text = text.replace(old, new)

work = pathlib.Path(o.work)
shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
script, wanted = ["set -eu"], []
behind_sh = False
for m in re.finditer(r"^```(\w*)\n(.*?)^```$|^([^\n]+)$", text, re.M | re.S):
    language, block = m[1], m[2]
    if language == "sh":
        n = len(wanted)
        wanted.append((text[: m.start()].count("\n") + 1, None))
        script.append(f"exec >shown-{n} 2>&1\n{block}")
        behind_sh = True
    elif language == "text" and behind_sh:
        wanted[-1] = (wanted[-1][0], block)
        behind_sh = False
    else:
        behind_sh = False
        if language == "js":
            name = re.match(r"// ([\w.]+)\n", block)
            path = work / (name[1] if name else last)
            last = path.name
            with path.open("a") as f:
                f.write(block)
if not wanted:
    sys.exit(f"{o.page} has nothing to run")
(work / "script.sh").write_text("\n".join(script) + "\nexec >shown-end\necho done\n")
run = subprocess.run(["sh", "script.sh"], cwd=work, check=False,
                     env={"PATH": f"{o.path}:/usr/local/bin:/usr/bin:/bin", "HOME": str(work.resolve()), "LC_ALL": "C.UTF-8",
                          **{k: v for k, v in os.environ.items() if k.startswith(("LD_", "ASAN_"))}})
faults = []
if run.returncode != 0 or not (work / "shown-end").exists():
    faults.append(f"a shell block ended with {run.returncode}")
for n, (line, block) in enumerate(wanted):
    shown = work / f"shown-{n}"
    printed = shown.read_text() if shown.exists() else "(was not run)\n"
    if faults:
        print(f"--- line {line}:\n{printed}")
    if block is None:
        continue
    pattern = "".join(
        r"(?:.*\n)*" if l == "..." else r"[^\n]*".join(map(re.escape, l.split("..."))) + r"[ ]*\n"
        for l in block.splitlines())
    if not re.fullmatch(pattern, printed):
        faults.append(f"{o.page}:{line} is said to print\n{block}--- and prints\n{printed}")
if faults:
    sys.exit("\n".join(faults))
print(f"{o.page}: {len(wanted)} blocks, {sum(b is not None for _, b in wanted)} with what they print")
