// The report's style sheet. Languages are switched by two radio buttons and sibling selectors, so
// that no script is needed.
#pragma once

#include <string_view>

namespace mailweir::simulate {

inline constexpr std::string_view report_style = R"(
:root{--page:#fbfbf9;--ink:#1d2327;--soft:#667077;--rule:#dcdfe0;--card:#fff;
--accepted:#1f8a5b;--attempts:#7a5cc7;--offered:#8a949a;--limit:#c2410c;--penalty:#dc2626;
--mixed:#e0a100;--held:#8a94a6;--probing:#7c4dff;--refused:#d1453b;--good:#1f8a5b;--bad:#c81e1e;
--c1:#2563eb;--c2:#c2410c;--c3:#0f8a7e;--c4:#9333ea;--c5:#a16207;--c6:#be185d}
@media(prefers-color-scheme:dark){:root{--page:#14181a;--ink:#e6e9ea;--soft:#98a2a8;--rule:#313a3e;--card:#1b2023;
--accepted:#4cc38a;--attempts:#a78bfa;--offered:#76828a;--limit:#fb923c;--penalty:#ef4444;
--mixed:#eab308;--held:#7d8796;--probing:#a98bff;--refused:#f0655a;--good:#4cc38a;--bad:#f87171;
--c1:#60a5fa;--c2:#fb923c;--c3:#2dd4bf;--c4:#c084fc;--c5:#eab308;--c6:#f472b6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.55 system-ui,"Hiragino Sans","Noto Sans JP","Noto Sans CJK JP",sans-serif}
main,header{max-width:1060px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:25px;line-height:1.3;margin:0 0 4px}
h2{font-size:18px;margin:38px 0 10px;border-bottom:1px solid var(--rule);padding-bottom:5px}
h3{font-size:15px;margin:22px 0 6px}
p{margin:6px 0}.soft{color:var(--soft)}
.pick{position:absolute;opacity:0}
.languages{display:flex;gap:6px;justify-content:flex-end;max-width:1060px;margin:0 auto;padding:14px 20px 0}
.languages label{border:1px solid var(--rule);border-radius:6px;padding:2px 12px;cursor:pointer;color:var(--soft);background:var(--card)}
#en:checked~.languages label[for=en],#ja:checked~.languages label[for=ja]{color:var(--ink);border-color:var(--soft);font-weight:600}
#en:focus-visible~.languages label[for=en],#ja:focus-visible~.languages label[for=ja]{outline:2px solid var(--c1)}
#en:checked~* .ja,#ja:checked~* .en{display:none}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:16px 0}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 13px}
.tile b{display:block;font-size:21px;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
.verdict{font-weight:650}.good{color:var(--good)}.bad{color:var(--bad)}
figure{margin:14px 0 20px;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 12px 4px}
figcaption{font-weight:600;display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline;margin-bottom:4px}
.legend{display:inline-flex;flex-wrap:wrap;gap:2px 14px;font-weight:400;font-size:13px;color:var(--soft)}
.key{display:inline-flex;align-items:center;gap:5px}.key i{width:14px;height:4px;border-radius:2px}
.unit{margin-left:auto;font-weight:400;font-size:13px;color:var(--soft)}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--rule);stroke-width:1}.tick{fill:var(--soft);font-size:12px}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}.dashed{stroke-dasharray:5 4}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;background:var(--card)}
th,td{padding:5px 10px;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal}th{font-weight:600;color:var(--soft);font-size:13px}
pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px;overflow-x:auto;font-size:13px;line-height:1.45}
summary{cursor:pointer}
@media print{.languages{display:none}figure,tr{break-inside:avoid}}
)";

}  // namespace mailweir::simulate
