/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_style.c - the style sheet of report.html: on a screen, in the dark, on paper, on a phone.
 *
 * Colours are variables, since the pictures use them too; the dark set keeps the same order of hues. Only tables scroll
 * sideways; pictures shrink. On paper nothing is dark and no picture is cut in two. */
#include "reports/html_page.h"

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--back:#fff;--text:#1b1b1b;--quiet:#5d5d5d;--rule:#dcdcdc;--axis:#7f7f7f;"
    "--card:#f6f6f4;--warn:#fff3df;--warn-edge:#d58a00;--link:#005a9c;"
    "--s0:#5f5f5f;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;--s4:#b5609a;--s5:#a87f00;--s6:#2f9bdc}\n"
    "@media (prefers-color-scheme:dark){:root{--back:#16181a;--text:#e8e6e3;--quiet:#a9a7a3;--rule:#3a3d40;"
    "--axis:#8d8d8d;--card:#1f2225;--warn:#33290f;--warn-edge:#e0a63a;--link:#8ac4ff;"
    "--s0:#b0b0b0;--s1:#4aa8e0;--s2:#ff8a45;--s3:#2fc79a;--s4:#e08cc4;--s5:#e0b73a;--s6:#8fd0ff}}\n"
    "@media print{:root{color-scheme:light;--back:#fff;--text:#000;--quiet:#444;--rule:#ccc;--axis:#666;--card:#fff;"
    "--warn:#fff;--warn-edge:#666;--link:#000;"
    "--s0:#5f5f5f;--s1:#0072b2;--s2:#d55e00;--s3:#009e73;--s4:#b5609a;--s5:#a87f00;--s6:#2f9bdc}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:72rem;background:var(--back);color:var(--text);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;"
    "overflow-wrap:break-word}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}\n"
    "h2{font-size:1.35rem;margin:2.6rem 0 .4rem;padding-top:.5rem;border-top:2px solid var(--rule)}\n"
    "h3{font-size:1.1rem;margin:1.8rem 0 .3rem}h4{font-size:1rem;margin:1.4rem 0 .2rem}\n"
    "p,li{max-width:46rem}p{margin:.5rem 0}ul{padding-left:1.2rem}li{margin:.35rem 0}\n"
    "a{color:var(--link)}nav{margin:.8rem 0;font-size:.9rem}nav a{margin-right:.9rem}\n"
    ".meta,.note{color:var(--quiet);font-size:.9rem}\n"
    ".headline{font-size:1.12rem}.headline p{max-width:50rem}\n"
    ".beware{background:var(--warn);border-left:4px solid var(--warn-edge);padding:.5rem .8rem}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem;"
    "margin:1rem 0}\n"
    "figure{margin:0;padding:.7rem .8rem;background:var(--card);border:1px solid var(--rule);border-radius:6px;"
    "break-inside:avoid}\n"
    "figure svg{display:block;width:100%;height:auto;max-width:35rem;color:var(--text)}\n"
    "figure.lead{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:.4rem 1.5rem;align-items:center}\n"
    "figure.lead svg{flex:1 1 22rem;min-width:0;max-width:42rem}figure.lead figcaption{flex:1 1 16rem}\n"
    "figcaption{font-size:.92rem;margin-top:.4rem}\n"
    ".scroll{overflow-x:auto;margin:.8rem 0}\n"
    "table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;color:var(--quiet);padding-bottom:.3rem;white-space:nowrap}\n"
    "th,td{padding:.22rem .55rem .22rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}\n"
    "thead th{font-weight:600;color:var(--quiet);vertical-align:bottom}\n"
    "tbody th{font-weight:500;white-space:nowrap}\n"
    ".n{text-align:right;white-space:nowrap}td{white-space:nowrap}thead th.n{white-space:normal}\n"
    "tr.group th{color:var(--quiet);font-weight:400;padding-top:.6rem}\n"
    "table.wrap td{white-space:normal;min-width:9rem;max-width:30rem}\n"
    "code,pre{font:.88rem/1.45 ui-monospace,'DejaVu Sans Mono',Menlo,monospace}\n"
    "pre{background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:.6rem .8rem;"
    "white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "summary{cursor:pointer;color:var(--link)}\n"
    "@media (max-width:40rem){body{padding:1rem .75rem 3rem}h1{font-size:1.4rem}figure{padding:.5rem}}\n"
    "@media print{body{max-width:none;padding:0;font-size:10pt}nav{display:none}.scroll{overflow:visible}"
    "table{font-size:8pt}h2,h3,h2+.note{break-after:avoid}tr{break-inside:avoid}}\n"
    "</style>\n";

void html_style(FILE *out)
{
    fputs(style, out);
}
