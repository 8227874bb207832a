#pragma once
// The style sheet of `gradus report`: light and dark by the reader's preference, from a phone's width up.
namespace gradus {

inline constexpr const char* report_style = R"css(
:root { color-scheme: light dark; --ground:#fbfaf7; --card:#ffffff; --ink:#1d1f24; --soft:#666b76; --rule:#e4e1d9; --grid:#eceae4;
        --s0:#2f6fb7; --s1:#c8553d; --s2:#2e8b6f; --s3:#8a5fb0; --s4:#a97b0b; --s5:#5b6472; --mark:#6d7f3a; --warn:#9a5b00; }
@media (prefers-color-scheme: dark) {
  :root { --ground:#15171b; --card:#1d2026; --ink:#e8e6e1; --soft:#9aa0ab; --rule:#30343c; --grid:#2a2e35;
          --s0:#6fb0f2; --s1:#f0886c; --s2:#6fd0ae; --s3:#c49be8; --s4:#e3b54f; --s5:#aab2be; --mark:#b3c46e; --warn:#e8b35f; } }
.s0 { --c:var(--s0); } .s1 { --c:var(--s1); } .s2 { --c:var(--s2); } .s3 { --c:var(--s3); } .s4 { --c:var(--s4); } .s5 { --c:var(--s5); }
* { box-sizing:border-box; }
body { margin:0; background:var(--ground); color:var(--ink); font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif; }
main { max-width:74rem; margin:0 auto; padding:2rem 1rem 4rem; }
h1 { font-size:1.7rem; line-height:1.2; margin:0 0 .2rem; letter-spacing:-.01em; overflow-wrap:anywhere; }
h2 { font-size:1.05rem; margin:2.4rem 0 .8rem; }
section:not(:first-child) { margin-top:4rem; padding-top:2rem; border-top:2px solid var(--rule); }
a { color:var(--s0); }
p.lead, .note { color:var(--soft); margin:.2rem 0; }
.note { font-size:.85rem; }
.numbers { display:grid; grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr)); gap:.8rem; margin:1.5rem 0; }
@media (min-width:60rem) { .numbers { grid-template-columns:repeat(4,1fr); } }
.number, .card { background:var(--card); border:1px solid var(--rule); border-radius:10px; }
.number { padding:.7rem .9rem; }
.number b { display:block; font-size:1.4rem; font-weight:600; font-variant-numeric:tabular-nums; line-height:1.3; }
.number span { display:block; color:var(--soft); font-size:.82rem; line-height:1.35; }
.charts { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr)); gap:1rem; }
.card { padding:.9rem .9rem .5rem; min-width:0; }
.card h3 { font-size:.95rem; margin:0; }
.card .note { font-size:.8rem; line-height:1.35; margin:.15rem 0 .3rem; }
.remark { color:var(--warn); font-size:.82rem; line-height:1.35; margin:.2rem 0 .4rem; }
.legend { font-size:.8rem; color:var(--soft); margin:.1rem 0 .3rem; }
.legend i { display:inline-block; width:.9rem; height:.2rem; border-radius:2px; vertical-align:middle; margin:0 .3rem 0 0;
            background:var(--c); }
.legend i.marks { background:var(--mark); }
.legend span { margin-right:.9rem; white-space:nowrap; }
svg { display:block; width:100%; height:auto; }
.grid { stroke:var(--grid); stroke-width:1; }
.tick, .marktext { font:12.5px system-ui,sans-serif; fill:var(--soft); font-variant-numeric:tabular-nums; }
.marktext { fill:var(--mark); paint-order:stroke; stroke:var(--card); stroke-width:4px; }
.mark { stroke:var(--mark); stroke-width:1.3; stroke-dasharray:5 4; }
.line { fill:none; stroke:var(--c); stroke-width:1.8; stroke-linejoin:round; }
.way { stroke:var(--c); stroke-width:1.8; stroke-linecap:round; }
.bar { stroke:var(--c); stroke-width:1.6; opacity:.55; }
.band { stroke:none; fill:var(--c); opacity:.18; }
.dot { stroke:var(--card); stroke-width:1; fill:var(--c); }
.steptext { font:12px system-ui,sans-serif; fill:var(--ink); paint-order:stroke; stroke:var(--card); stroke-width:4px; }
.tabs > input { position:absolute; opacity:0; pointer-events:none; }
.tabs > label { float:right; font-size:.78rem; color:var(--soft); padding:.05rem .5rem; margin-left:.3rem; border:1px solid var(--rule);
                border-radius:99px; cursor:pointer; }
.tabs > input:checked + label { color:var(--ink); border-color:var(--soft); }
.tabs > input:focus-visible + label { outline:2px solid var(--s0); }
.tabs .view { display:none; clear:both; }
.tabs > input:nth-of-type(1):checked ~ .view1, .tabs > input:nth-of-type(2):checked ~ .view2 { display:block; }
.scroll { overflow-x:auto; }
table { border-collapse:collapse; width:100%; font-size:.9rem; }
td, th { padding:.28rem .8rem .28rem 0; border-bottom:1px solid var(--rule); vertical-align:top; text-align:left; }
th { font-weight:600; } th span { display:block; font-weight:400; font-size:.75rem; line-height:1.3; color:var(--soft); }
.facts td:last-child { text-align:right; font-variant-numeric:tabular-nums; overflow-wrap:anywhere; padding-right:0; }
.sample th { width:8rem; font-size:.85rem; } .empty { color:var(--soft); font-style:italic; }
.rows td { font-variant-numeric:tabular-nums; } .rows td.text { white-space:pre-wrap; overflow-wrap:anywhere; }
details { margin:.5rem 0; } summary { cursor:pointer; color:var(--soft); }
.sample { background:var(--card); border:1px solid var(--rule); border-radius:10px; padding:.7rem .9rem; margin:.6rem 0; }
.sample pre { white-space:pre-wrap; overflow-wrap:anywhere; margin:.2rem 0 0; font:.9rem/1.5 ui-monospace,"SF Mono",Consolas,monospace; }
.sample pre b { color:var(--s0); font-weight:600; }
.strip { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,13rem),1fr)); gap:.4rem 1.2rem; margin-top:.5rem; }
.strip > div { border-left:2px solid var(--rule); padding-left:.7rem; min-width:0; }
.score { font-variant-numeric:tabular-nums; margin-right:.8rem; } .cut { color:var(--warn); }
.stepper > input { position:absolute; opacity:0; pointer-events:none; }
.stepper > label { display:inline-block; font-size:.82rem; color:var(--soft); padding:.1rem .6rem; margin:.15rem 0 .15rem .35rem;
                   border:1px solid var(--rule); border-radius:99px; cursor:pointer; font-variant-numeric:tabular-nums; }
.stepper > input:checked + label { color:var(--ground); background:var(--s0); border-color:var(--s0); }
.stepper > input:focus-visible + label { outline:2px solid var(--s1); }
.stepper > .stop { display:none; } .stops { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr)); gap:0 1rem; }
.two { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr)); gap:0 2.5rem; }
)css";

}  // namespace gradus
