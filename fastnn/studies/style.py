"""The style sheet of the reports and of their index, for screens, telephones and paper."""

STYLE = """
:root { --ink: #1b1b1b; --soft: #5c5c5c; --line: #d4d4d4; --wash: #f5f5f2; --mark: #0b5a8a; }
* { box-sizing: border-box; }
body { font: 17px/1.55 Georgia, 'Times New Roman', serif; color: var(--ink); max-width: 52rem; margin: 0 auto;
  padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .6em 0 .3em; } h2 { font-size: 1.3rem; margin: 2.2em 0 .4em;
  border-top: 1px solid var(--line); padding-top: 1.1em; } h3 { font-size: 1.05rem; margin: 1.4em 0 .3em; }
a { color: var(--mark); } .soft, figcaption, caption, details { color: var(--soft); font-size: .88rem; }
.banner { background: #fff3cd; border: 2px solid #9a6b00; padding: .7rem 1rem; border-radius: 6px; }
.note { background: var(--wash); border-left: 4px solid var(--line); padding: .5rem .9rem; }
.scroll { overflow-x: auto; margin: 1em 0; } table { border-collapse: collapse; font: .86rem/1.35 system-ui,
  'Segoe UI', Helvetica, Arial, sans-serif; min-width: 60%; } caption { text-align: left; caption-side: bottom;
  padding-top: .35rem; } th, td { padding: .28rem .7rem .28rem 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child, td.words, th.words { text-align: left; white-space: normal; }
th { font-weight: 600; border-bottom: 2px solid var(--ink); }
figure { margin: 1.4em 0; } figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
nav ol { padding-left: 1.3rem; } td.apart { color: var(--soft); font-style: italic; }
table.facts { min-width: 0; } table.facts td { text-align: left; white-space: normal; }
@media (max-width: 40rem) { body { font-size: 16px; padding: .7rem; } th, td { padding-right: .5rem; }
  figure.wide { overflow-x: auto; } figure.wide img { max-width: none; width: 42rem; }
  td.words { min-width: 14rem; } td:first-child { min-width: 8.5rem; } table.facts td { min-width: 0; } }
@page { margin: 16mm 14mm; }
@media print { body { max-width: none; font-size: 10.5pt; padding: 0; } nav { display: none; }
  figure, table, .banner, .note, .keep { break-inside: avoid; } h1, h2, h3, p.lead { break-after: avoid; }
  h2 { border-top: 0; } p { orphans: 3; widows: 3; } .scroll { overflow: visible; } figure img { max-height: 220mm; }
  a { color: inherit; text-decoration: none; } }
"""
