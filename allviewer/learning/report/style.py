"""How the page looks: the house's quiet greys, by day, by night and on paper."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #fcfcfb; --card: #ffffff; --ink: #1b1d20; --dim: #565c65; --line: #dcdee2; --faint: #eceef0;
  --model: #1f6f8b; --base: #6b7178; --warn: #8a4b00; --warm: #fdf3e3;
  --c0: #1f6f8b; --c1: #c2500a; --c2: #00795a; --c3: #9b4f80; --c4: #8a6d00; --c5: #4b5fb0; --c6: #8b4513;
  --c7: #2f4f4f; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #17181b; --card: #1e2024; --ink: #ecedee; --dim: #a9afb8; --line: #3b4048; --faint: #272a30;
  --model: #8fc1d4; --base: #9aa1ab; --warn: #ffb454; --warm: #2d2617;
  --c0: #8fc1d4; --c1: #f08c4a; --c2: #4fc3a1; --c3: #d99cc2; --c4: #e3c34f; --c5: #9fb0f0; --c6: #d8a37a;
  --c7: #a8c4c4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", "Liberation Sans", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1020px; margin: 0 auto; padding: 44px 28px 64px; }
header { border-bottom: 1px solid var(--line); padding-bottom: 20px; margin-bottom: 28px; }
.kind { color: var(--dim); font-size: 13px; letter-spacing: .02em; }
h1 { font-size: 30px; line-height: 1.2; font-weight: 650; margin: 4px 0 8px; letter-spacing: -.01em; }
h2 { font-size: 18px; font-weight: 650; margin: 46px 0 4px; }
h2 + p, .lead { color: var(--dim); margin: 0 0 16px; max-width: 76ch; }
p { max-width: 80ch; margin: 0 0 10px; }
.split { margin: 0; max-width: 90ch; }
.notice { display: inline-block; margin: 14px 0 0; padding: 5px 12px; border-left: 3px solid var(--warn);
  background: var(--warm); color: var(--warn); font-size: 14px; }
.optimistic { border: 1px solid var(--warn); background: var(--warm); padding: 12px 16px; margin: 18px 0 0;
  max-width: 90ch; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 14px; margin: 0 0 10px; }
.headline div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 18px 12px; }
.headline b { display: block; font-size: 34px; line-height: 1.15; font-weight: 600; letter-spacing: -.02em; }
.headline b.none { font-size: 17px; color: var(--dim); font-weight: 500; letter-spacing: 0; padding: 8px 0 7px; }
.headline span { display: block; color: var(--dim); font-size: 13px; }
.headline span.what { color: var(--ink); font-size: 14px; }
.scroll { overflow-x: auto; }
table.narrow { width: auto; } table.narrow td, table.narrow th { padding-right: 26px; }
th.mid { text-align: center; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--faint); white-space: nowrap;
  vertical-align: middle; }
th { font-weight: 500; color: var(--dim); border-bottom: 1px solid var(--line); font-size: 13px;
  vertical-align: bottom; }
th:first-child, td:first-child, .left { text-align: left; }
td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 180px; }
tr.part th { padding-top: 18px; color: var(--ink); font-weight: 650; border-bottom: 1px solid var(--line);
  text-align: left; }
td.sub { padding-left: 16px; } td.sub2 { padding-left: 32px; }
td.value { font-weight: 600; } td.dim, .dim { color: var(--dim); }
td.says { white-space: normal; font-size: 13px; color: var(--dim); text-align: left; min-width: 210px;
  line-height: 1.35; }
.aside td { color: var(--dim); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 22px; margin-top: 14px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 16px 18px 12px;
  break-inside: avoid; }
figcaption { font-weight: 600; font-size: 15px; margin-bottom: 6px; }
figcaption small { display: block; font-weight: 400; font-size: 13px; color: var(--dim); line-height: 1.4; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg.strip { width: 220px; height: 18px; display: inline-block; vertical-align: middle; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; } .plot .grid { stroke: var(--faint); }
.axis { stroke: var(--dim); stroke-width: 1; fill: none; }
text { fill: var(--ink); font-size: 12px; } text.tick { fill: var(--dim); font-size: 11.5px; }
text.title { fill: var(--dim); font-size: 12.5px; } text.key { font-size: 12.5px; } text.count { font-size: 26px;
  font-weight: 600; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke: var(--c0); }
.l1 { stroke: var(--c1); stroke-dasharray: 9 3; } .l2 { stroke: var(--c2); stroke-dasharray: 2 3; }
.l3 { stroke: var(--c3); stroke-dasharray: 9 3 2 3; } .l4 { stroke: var(--c4); stroke-dasharray: 14 4; }
.l5 { stroke: var(--c5); stroke-dasharray: 5 2; } .l6 { stroke: var(--c6); stroke-dasharray: 1 4; }
.l7 { stroke: var(--c7); stroke-dasharray: 14 3 2 3 2 3; }
.lb { stroke: var(--base); stroke-width: 1.6; stroke-dasharray: 4 3; }
.chance { stroke: var(--base); stroke-width: 1; stroke-dasharray: 1 4; stroke-linecap: round; }
.area { fill: var(--model); fill-opacity: .13; stroke: none; }
.cell { fill: var(--model); } .veil { fill: var(--card); fill-opacity: .86; }
.dot { fill: var(--model); stroke: var(--card); stroke-width: 1.2; } .ring { fill: none; stroke: var(--base);
  stroke-width: 1.6; }
.d1 { fill: var(--c1); } .d2 { fill: var(--c2); } .d3 { fill: var(--c3); } .d4 { fill: var(--c4); }
  .d5 { fill: var(--c5); }
.d6 { fill: var(--c6); } .d7 { fill: var(--c7); }
.span { stroke: var(--model); stroke-width: 2.4; fill: none; stroke-linecap: round; }
.whisker { stroke: var(--model); stroke-width: 1.2; fill: none; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(148px, 1fr)); gap: 16px 14px;
  margin-top: 12px; }
.sheet div { font-size: 12.5px; line-height: 1.35; color: var(--dim); break-inside: avoid; overflow-wrap: anywhere; }
.sheet img { width: 100%; border-radius: 6px; display: block; margin-bottom: 5px; }
.sheet b { color: var(--ink); font-weight: 600; display: block; }
ul { padding-left: 18px; max-width: 84ch; } li { margin-bottom: 5px; }
footer { margin-top: 48px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--dim); font-size: 13px; }
footer code { font-size: 12px; overflow-wrap: anywhere; }
@media (max-width: 620px) { main { padding: 24px 16px 48px; } h1 { font-size: 25px; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --dim: #333; --line: #999; --faint: #ddd;
    --model: #000; --base: #555; --warn: #000; --warm: #fff; --c0: #000; --c1: #333; --c2: #000; --c3: #444;
  --c4: #222;
    --c5: #555; --c6: #000; --c7: #333; }
  @page { margin: 16mm; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } h2 { break-after: avoid; margin-top: 26px; }
  .plots { grid-template-columns: 1fr 1fr; gap: 12px; } .headline { grid-template-columns: repeat(4, 1fr); }
  .headline b { font-size: 20pt; } figure, .headline div, tr { break-inside: avoid; } .scroll { overflow: visible; }
  td.says { min-width: 0; } table { font-size: 9pt; } th, td { padding: 3px 8px 3px 0; } svg.strip { width: 150px; }
}
"""
