/* SPDX-License-Identifier: Apache-2.0 */
/* The look of the page: light and dark, wide and narrow, printed too.  Nothing is loaded. */
#ifndef HF_EXPLAIN_HTML_STYLE_H
#define HF_EXPLAIN_HTML_STYLE_H

#define HF_HTML_COLOURS_LIGHT \
	"--ink:#1b2330;--dim:#5d6878;--line:#cfd6e1;--wire:#7b8798;--bad:#b3261e;--badbg:#fdecea;" \
	"--good:#0b7a4b;--goodbg:#e7f6ee;--card:#fff;--page:#f4f6f9;--code:#eef1f6"
#define HF_HTML_COLOURS_DARK \
	"--ink:#e5e9f0;--dim:#9aa6b8;--line:#323c4d;--wire:#6b788c;--bad:#ff8a80;--badbg:#3a1e20;" \
	"--good:#63d9a3;--goodbg:#16332a;--card:#1a212c;--page:#11161e;--code:#0d1219"

static const char hf_html_style[] =
    "<style>:root{color-scheme:light dark;" HF_HTML_COLOURS_LIGHT "}"
    "@media (prefers-color-scheme:dark){:root{" HF_HTML_COLOURS_DARK "}}"
    "*{box-sizing:border-box}"
    "body{font:15px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif;color:var(--ink);"
    "background:var(--page);margin:0}"
    "main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 3rem}"
    "h1{font-size:1.3rem;line-height:1.35;margin:.5rem 0 .7rem;overflow-wrap:anywhere}"
    "h2{font-size:.78rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);"
    "margin:0 0 .5rem}"
    "section,header{background:var(--card);border:1px solid var(--line);border-radius:.7rem;"
    "padding:1rem 1.2rem;margin:0 0 1rem;overflow-wrap:anywhere}"
    "header.bad{border-top:5px solid var(--bad)}header.good{border-top:5px solid var(--good)}"
    ".badge{display:inline-block;font-weight:700;font-size:.8rem;border-radius:1rem;"
    "padding:.1rem .8rem}"
    ".bad .badge{background:var(--badbg);color:var(--bad)}"
    ".good .badge{background:var(--goodbg);color:var(--good)}"
    ".tags{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;margin:0;font-size:.9rem}"
    ".tags div{display:flex;gap:.4rem}.tags dt{color:var(--dim)}.tags dd{margin:0;font-weight:600}"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:0 1rem}"
    "@media (max-width:46rem){.two{grid-template-columns:1fr}}"
    "p{margin:0}pre{font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;background:var(--code);"
    "border-radius:.4rem;padding:.6rem .8rem;margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
    "ol,ul{margin:0;padding-left:1.3rem}li+li{margin-top:.25rem}"
    ".ends{display:flex;justify-content:space-between;gap:1rem;font-weight:600}"
    ".ends b:last-child{text-align:right}"
    ".lanes{border:solid var(--wire);border-width:0 3px;margin:.5rem 0 0;padding:.3rem 0}"
    ".step{position:relative;padding:.3rem .9rem .75rem}"
    ".step::after{content:'';position:absolute;left:0;right:0;bottom:.3rem;"
    "border-bottom:2px solid var(--wire)}"
    ".step::before{content:'';position:absolute;bottom:calc(.3rem - 4px);border:5px solid "
    "transparent}"
    ".step.c::before{right:0;border-left:9px solid var(--wire);border-right:0}"
    ".step.s::before{left:0;border-right:9px solid var(--wire);border-left:0}"
    ".step.s{text-align:right}.step b{font-weight:600;margin-right:.5rem}"
    ".step small{color:var(--dim);font-size:.85rem}"
    ".step.f{background:var(--badbg)}.step.f b{color:var(--bad)}"
    ".step.f::after{border-bottom:2px dashed var(--bad)}"
    ".step.f.c::before{border-left-color:var(--bad)}.step.f.s::before{border-right-color:var(--bad)}"
    ".x{color:var(--bad);font-weight:700;margin-right:.4rem}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:.8rem}"
    ".card{border:1px solid var(--line);border-left:4px solid var(--wire);border-radius:.5rem;"
    "padding:.6rem .9rem}"
    ".card.f{border-color:var(--bad);background:var(--badbg)}.card.f small{color:var(--bad)}"
    ".card b{display:block}.card small{color:var(--dim)}"
    ".card dl{margin:.35rem 0 0;font-size:.85rem;display:grid;grid-template-columns:auto 1fr;"
    "gap:0 .7rem}.card dt{color:var(--dim)}.card dd{margin:0}"
    "footer{color:var(--dim);font-size:.8rem}"
    "@media print{body{background:#fff}section,header{break-inside:avoid}}</style>";

#endif
