#pragma once
// The style sheet of the page of `gradus rank`: light and dark by the reader's preference, from a phone's width up.
namespace gradus {

inline constexpr const char* rank_page_style = R"css(
:root { color-scheme: light dark; --ground:#fbfaf7; --card:#ffffff; --ink:#1d1f24; --soft:#5b606b; --rule:#d9d5cb; --mark:#2f6fb7; --bad:#b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ground:#15171b; --card:#1d2026; --ink:#e8e6e1; --soft:#a3a9b4; --rule:#3a3f48; --mark:#6fb0f2; --bad:#ff8a80; } }
* { box-sizing:border-box; }
[hidden] { display:none !important; }
body { margin:0; background:var(--ground); color:var(--ink); font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif; }
main { max-width:62rem; margin:0 auto; padding:1.2rem 1rem 4rem; }
header { display:flex; justify-content:space-between; align-items:baseline; gap:1rem; flex-wrap:wrap; }
h1 { font-size:1.25rem; margin:0; }
#who, #count, .keys { color:var(--soft); font-size:.9rem; margin:0; }
progress { width:100%; height:.5rem; margin:.6rem 0 0; accent-color:var(--mark); }
.text { white-space:pre-wrap; overflow-wrap:anywhere; }
.message { border-left:3px solid var(--rule); padding:.2rem .9rem; margin:.8rem 0; }
.message.user { border-color:var(--mark); }
.role { color:var(--soft); font-size:.8rem; }
#answers { list-style:none; margin:1rem 0; padding:0; display:grid; gap:.8rem; grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr)); }
.answer { background:var(--card); border:1px solid var(--rule); border-radius:10px; padding:.7rem .9rem; cursor:pointer; min-width:0; }
.answer.ranked { border-color:var(--mark); box-shadow:inset 0 0 0 1px var(--mark); }
.empty { color:var(--soft); font-style:italic; }
button { font:inherit; color:inherit; background:var(--card); border:1px solid var(--rule); border-radius:8px; padding:.3rem .8rem; cursor:pointer; }
button:disabled { opacity:.45; cursor:default; }
button:focus-visible, input:focus-visible { outline:2px solid var(--mark); outline-offset:2px; }
.choose { display:flex; gap:.7rem; align-items:baseline; width:100%; margin-bottom:.5rem; border:0; padding:0; background:none; text-align:left; }
.badge { font-weight:600; color:var(--mark); }
.equal { margin-top:.6rem; font-size:.85rem; }
.equal[aria-pressed=true] { border-color:var(--mark); color:var(--mark); }
kbd { font:.85rem ui-monospace,Consolas,monospace; border:1px solid var(--rule); border-radius:5px; padding:0 .4rem; }
.buttons { display:flex; gap:.6rem; flex-wrap:wrap; margin:.8rem 0; }
#submit { border-color:var(--mark); color:var(--mark); font-weight:600; }
[role=alert] { color:var(--bad); }
input { font:inherit; padding:.35rem .6rem; border:1px solid var(--rule); border-radius:8px; background:var(--card); color:inherit; }
form { margin:2rem 0; } form label { display:block; margin-bottom:.4rem; }
)css";

}  // namespace gradus
