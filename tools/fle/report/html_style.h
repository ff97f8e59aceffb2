#ifndef FLE_TOOLS_HTML_STYLE_H_
#define FLE_TOOLS_HTML_STYLE_H_

#include <string_view>

namespace fle::tools {

/// How a report's page looks: on a phone, on paper, light and dark. System fonts only; contrasts
/// are those of WCAG 2.1, level AA, at least.
inline constexpr std::string_view kHtmlStyle = R"css(
:root { color-scheme: light dark;
  --page: #f6f7f8; --card: #ffffff; --ink: #1b2228; --soft: #55606b; --line: #dfe3e7;
  --good: #0f766e; --bad: #b42318; --bad-soft: #fdf0ee; --warn: #8a5a00; --warn-soft: #fdf6e7;
  --rest: #8793a0; --track: #e8ebee; --accent: #2f5fb3; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161a; --card: #1a2026; --ink: #e7ebee; --soft: #a7b1bb; --line: #2e363e;
  --good: #3cb9a8; --bad: #ff8a7a; --bad-soft: #33201e; --warn: #e8b454; --warn-soft: #2d2618;
  --rest: #77838f; --track: #2a323a; --accent: #86aef0; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main, header, footer { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; font-weight: 650;
  letter-spacing: -.01em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.75rem 0 .25rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; font-weight: 650; }
h1, h2, .path, .wrap { overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; max-width: 42rem; }
.soft, caption, footer { color: var(--soft); }
.path, .id { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .875em; }
.id { overflow-wrap: anywhere; }
.verdict { margin: 1.25rem 0 0; padding: .75rem 1rem; border-radius: .5rem; max-width: none;
  border-left: .25rem solid var(--good); background: var(--card); }
.verdict.plaintext { border-color: var(--bad); background: var(--bad-soft); }
.verdict.problem { border-color: var(--warn); background: var(--warn-soft); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
  gap: .75rem; margin: 1rem 0 0; }
dl.facts div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; font-size: 1.375rem; line-height: 1.3; font-weight: 600;
  font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .8125rem; font-weight: 400; color: var(--soft); }
table { width: 100%; border-collapse: collapse; background: var(--card); font-size: .9375rem;
  border: 1px solid var(--line); border-radius: .5rem; border-spacing: 0; }
caption { text-align: left; font-size: .875rem; padding: 0 0 .5rem; }
th, td { padding: .5rem .75rem; text-align: left; vertical-align: top;
  border-top: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; font-size: .8125rem; border-top: 0; }
tbody th { font-weight: 500; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg.bar { display: block; width: 100%; height: .625rem; margin: .375rem 0 .25rem;
  border-radius: .3125rem; background: var(--track); }
td.chart { min-width: 9rem; }
td small { color: var(--soft); display: block; font-size: .8125rem; }
.f-good { fill: var(--good); } .f-bad { fill: var(--bad); } .f-warn { fill: var(--warn); }
.f-rest { fill: var(--rest); } .f-accent { fill: var(--accent); }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0;
  list-style: none; font-size: .875rem; color: var(--soft); }
.key svg { width: .75rem; height: .75rem; vertical-align: -.0625rem; margin-right: .375rem; }
ul.findings { list-style: none; margin: 0; padding: 0; }
ul.findings li { background: var(--card); border: 1px solid var(--line); margin: 0 0 .5rem;
  border-left-width: .25rem; border-radius: .375rem; padding: .5rem .75rem; }
li.plaintext { border-left-color: var(--bad) !important; }
li.problem { border-left-color: var(--warn) !important; }
.tag { font-size: .75rem; font-weight: 600; text-transform: uppercase; letter-spacing: .04em;
  margin-right: .375rem; color: var(--soft); }
.plaintext > .tag { color: var(--bad); } .problem > .tag { color: var(--warn); }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--accent); }
details ul { columns: 16rem; padding-left: 1.25rem; } details li { break-inside: avoid; }
footer { margin-top: 3rem; padding-bottom: 3rem; font-size: .875rem; }
@media (max-width: 40rem) {
  header { padding-top: 1.5rem; } h1 { font-size: 1.5rem; }
  dl.facts { grid-template-columns: 1fr 1fr; gap: .5rem; } dl.facts div { padding: .625rem .75rem; }
  dd { font-size: 1.1875rem; }
  table, caption, tbody, tr, th, td { display: block; }
  table { background: none; border: 0; } thead { position: absolute; width: 1px; height: 1px;
    overflow: hidden; clip-path: inset(50%); }
  tr { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
    margin: 0 0 .5rem; padding: .625rem .75rem; }
  th, td { border: 0; padding: .125rem 0; text-align: left; }
  td.n { display: flex; justify-content: space-between; gap: 1rem; white-space: normal; }
  td[data-name]::before { content: attr(data-name); color: var(--soft); font-size: .875rem; }
  td.chart { min-width: 0; }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --track: #eee;
    --good: #0f766e; --bad: #b42318; --warn: #8a5a00; --rest: #8793a0; --accent: #2f5fb3; }
  body { font-size: 10pt; } svg, .verdict { print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
  tr, li, dl.facts div { break-inside: avoid; } h2, h3 { break-after: avoid; }
  header, main, footer { max-width: none; padding: 0; }
}
)css";

}  // namespace fle::tools

#endif  // FLE_TOOLS_HTML_STYLE_H_
