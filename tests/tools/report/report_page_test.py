#!/usr/bin/env python3
"""report_page_test.py FLE [FOLDER]: the page of `fle report --html` in headless Chromium, on a phone and on a laptop,
light and dark. It loads nothing, says nothing on the console, is not wider than the screen, and all of its text stands
out from what is behind it. With a FOLDER, screenshots are left there for people to look at. Status 77: no Chromium."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

fle = pathlib.Path(sys.argv[1]).resolve()
keep = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
chromium = shutil.which("chromium") or shutil.which("chromium-browser")
if chromium is None:
    print("skipped: no chromium here, which would show the page")
    sys.exit(77)

# Contrasts as in WCAG 2.1: 4.5 for text.
PROBE = r"""<!doctype html><meta charset="utf-8"><iframe id="page"></iframe><script>
const widths = [390, 1280], seen = [], frame = document.getElementById('page');
function light(c) {
  const part = x => x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4);
  const rgb = c.match(/[\d.]+/g).map(Number);
  return 0.2126 * part(rgb[0] / 255) + 0.7152 * part(rgb[1] / 255) + 0.0722 * part(rgb[2] / 255);
}
function behind(view, e) {
  for (; e !== null; e = e.parentElement) {
    const c = view.getComputedStyle(e).backgroundColor;
    if (!/, 0\)$/.test(c)) return c;
  }
  return 'rgb(255, 255, 255)';
}
function look(width) {
  const view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
  const faults = [];
  if (root.scrollWidth > width) faults.push('it is ' + root.scrollWidth + ' pixels wide');
  let texts = 0;
  for (const e of page.body.querySelectorAll('*')) {
    const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    if (own === '' || e.getClientRects().length === 0) continue;
    ++texts;
    const a = light(view.getComputedStyle(e).color), b = light(behind(view, e));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faults.push('"' + own.slice(0, 40) + '" has a contrast of ' + contrast.toFixed(1));
    const box = e.getBoundingClientRect();
    if (box.right > width + 1 || box.left < -1) faults.push('"' + own.slice(0, 40) + '" is cut off');
  }
  const loaded = view.performance.getEntriesByType('resource').map(r => r.name);
  if (loaded.length !== 0) faults.push('it loads ' + loaded.join(', '));
  const dark = view.matchMedia('(prefers-color-scheme: dark)').matches;
  seen.push({width, texts, dark, height: root.scrollHeight, back: behind(view, page.body), faults});
}
let i = 0;
frame.onload = () => {
  if (frame.src === '' || frame.contentDocument.URL === 'about:blank') return;
  look(widths[i]);
  if (++i < widths.length) return show();
  const out = document.createElement('pre');
  out.id = 'seen';
  out.textContent = JSON.stringify(seen);
  document.body.replaceChildren(out);
};
function show() {
  frame.style = 'border:0;height:800px;width:' + widths[i] + 'px';
  frame.src = 'report.html?' + widths[i];
}
show();
</script>"""


def run(*args, stdin=b""):
    done = subprocess.run([str(a) for a in args], input=stdin, capture_output=True, check=False, cwd=folder)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(a) for a in args)}: {done.stderr.decode()}")
    return done.stdout


def browse(dark, *args):
    # preferredColorScheme: 0 is dark, 1 light.
    return subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files",
         f"--user-data-dir={folder / 'profile'}", f"--blink-settings=preferredColorScheme={0 if dark else 1}", *args],
        capture_output=True, text=True, check=False)


def make_report():
    """Everything that a page can have: plaintext, problems, notes, many keys, a path that is folded, long names."""
    run(fle, "keygen", "--out", "master")
    keys = ["--vault", "keys.db", "--local-key", "master"]
    uuid = json.loads(run(fle, "key", "create", *keys, "--alt-name", "patients"))["uuid"]
    det = '"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"'
    (folder / "schema.json").write_text(
        '{"bsonType": "object", "encryptMetadata": {"keyId": [{"$uuid": "%s"}], "algorithm": '
        '"AEAD_AES_256_CBC_HMAC_SHA_512-Random"}, "properties": {"ssn": {"encrypt": {"bsonType": "int", %s}},'
        '"bloodType": {"encrypt": {"bsonType": "string", %s}}, "medicalRecords": {"encrypt": {"bsonType": "array"}},'
        '"insurance": {"bsonType": "object", "properties": {"policyNumber": {"encrypt": {"bsonType": "int", %s}},'
        '"aNameThatIsLongerThanAnyScreenOfAPhoneIsWideAndHasNoSpaceAnywhereInItToBreakALineAt":'
        '{"encrypt": {"bsonType": "string"}}}}, "owner": {"encrypt": {"bsonType": "string"}}}}' % (uuid, det, det, det))
    patients = run(fle, "generate", "patients", "--count", "400", "--format", "json", "--relaxed")
    sealed = run(fle, "encrypt", "--schema", "schema.json", *keys, "--format", "json", "--quiet", stdin=patients)
    one = sealed.split(b"\n", 1)[0].decode()
    value = re.search(r'"ssn" ?: ?(\{.*?\} ?\})', one)[1]
    for i in range(1200):
        sealed += ('{"contacts": {"person %d": {"phone": %s}}}\n' % (i, value)).encode()
    payload = base64.b64decode(re.search(r'"base64" ?: ?"(.*?)"', value)[1])
    for i in range(30):  # under keys that no vault has
        other = base64.b64encode(payload[:16] + bytes([i]) + payload[17:]).decode()
        sealed += ('{"ssn": {"$binary": {"base64": "%s", "subType": "06"}}, "insurance": "none"}\n' % other).encode()
    (folder / "in.json").write_bytes(sealed + patients[:20_000].rsplit(b"\n", 1)[0] + b'\n{"owner": null}\n')
    run(fle, "report", "--in", "in.json", "--schema", "schema.json", "--vault", "keys.db", "--html", "report.html",
        "--quiet")


folder = pathlib.Path(tempfile.mkdtemp(prefix="fle_report_page_"))
faults = []
try:
    make_report()
    (folder / "probe.html").write_text(PROBE)
    backs = set()
    for dark in (False, True):
        name = "dark" if dark else "light"
        done = browse(dark, "--virtual-time-budget=20000", "--window-size=1400,1000", "--dump-dom",
                      (folder / "probe.html").as_uri())
        found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.S)
        if found is None:
            sys.exit(f"Chromium did not show the page: {done.stderr[-2000:]}")
        faults += [f"{name}: console: {line}" for line in done.stderr.splitlines() if "CONSOLE" in line]
        for view in json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")):
            where = f"{name}, {view['width']} pixels: "
            faults += [where + f for f in view["faults"]]
            if view["texts"] < 40:
                faults.append(where + f"only {view['texts']} texts are seen")
            if view["dark"] != dark:
                faults.append(where + "the browser does not prefer what it was told to")
            backs.add(view["back"])
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                browse(dark, f"--window-size={view['width']},{view['height']}",
                       f"--screenshot={keep / (name + str(view['width']) + '.png')}",
                       (folder / "report.html").as_uri())
    if len(backs) != 2:
        faults.append(f"light and dark are the same: {backs}")
finally:
    shutil.rmtree(folder)
if faults:
    sys.exit("the page of a report:\n  " + "\n  ".join(faults[:20]))
print("the page fits 390 and 1280 pixels, light and dark, and loads nothing")
