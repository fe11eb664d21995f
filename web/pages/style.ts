/**
 * The pages' whole design: inline, so that a page is one request, and without style attributes, so that a
 * Content-Security-Policy can name this text by its hash.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --surface: #fff; --sunken: #f1f3f6; --line: #dde2ea; --edge: #838da1; --text: #161b26; --muted: #566074;
  --accent: #3b55d9; --accent-strong: #2c43b8; --on-accent: #fff; --ring: #3b55d9;
  --good: #137a4b; --good-bg: #e4f5ec; --warn: #8a5a00; --warn-bg: #fdf3dc; --bad: #b3261e; --bad-bg: #fdecea;
  --shadow: 0 1px 2px #1018280d, 0 8px 28px #10182814;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #0e1117; --surface: #171b24; --sunken: #10141c; --line: #2a3140; --edge: #69748a; --text: #e8ebf2; --muted: #9aa5b8;
    --accent: #8ea2ff; --accent-strong: #a9b8ff; --on-accent: #0e1330; --ring: #8ea2ff;
    --good: #6fd6a1; --good-bg: #12301f; --warn: #f0c46a; --warn-bg: #33280f; --bad: #ff9b92; --bad-bg: #3a1614;
    --shadow: 0 1px 2px #0006, 0 12px 32px #0007;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--bg); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2, h3, p, ol, ul, dl, dd, figure { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -.015em; text-wrap: balance; }
h2 { font-size: 1.125rem; line-height: 1.35; letter-spacing: -.01em; }
h3 { font-size: 1rem; }
a { color: var(--accent); text-underline-offset: .18em; }
a:hover { color: var(--accent-strong); }
:focus-visible { outline: 2px solid var(--ring); outline-offset: 2px; border-radius: 6px; }
.muted { color: var(--muted); }
.small { font-size: .875rem; }
.brand { display: inline-flex; align-items: center; gap: .6rem; font-weight: 650; letter-spacing: -.01em;
  color: var(--text); text-decoration: none; }
.brand svg { width: 1.75rem; height: 1.75rem; color: var(--accent); flex: none; }
.top { padding: 1rem 1.25rem; }
.wide .top { border-bottom: 1px solid var(--line); background: var(--surface); }
.bar { max-width: 65.5rem; margin: 0 auto; display: flex; align-items: center; justify-content: space-between;
  gap: 1rem; flex-wrap: wrap; }
.bar nav { display: flex; gap: 1.25rem; flex-wrap: wrap; }
main { flex: 1; width: 100%; }
.narrow main { display: grid; align-content: start; justify-items: center; padding: min(7vh, 4rem) 1rem 3rem; }
.wide main { max-width: 68rem; margin: 0 auto; padding: 2.25rem 1.25rem 3.5rem; display: grid; gap: 2.5rem;
  align-content: start; grid-template-columns: minmax(0, 1fr); }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow); }
.panel { width: 100%; max-width: 26rem; padding: clamp(1.25rem, 5vw, 2rem); display: grid; gap: 1.25rem; }
.panel header { display: grid; gap: .35rem; }
.code { font-family: var(--mono); letter-spacing: .12em; }
input[type=text].code { font-family: var(--mono); text-transform: uppercase; }
p.code { font-size: 1.75rem; font-weight: 650; text-align: center; padding: .75rem; border-radius: 9px;
  background: var(--sunken); border: 1px solid var(--line); }
form { display: grid; gap: 1.1rem; margin: 0; }
form[id="op.logoutForm"] { display: none; }
.field { display: grid; gap: .35rem; }
label { font-weight: 600; font-size: .9375rem; }
input[type=text], input[type=password], input[type=email] {
  font: inherit; color: inherit; width: 100%; padding: .65rem .8rem; min-height: 2.875rem;
  background: var(--sunken); border: 1px solid var(--edge); border-radius: 9px;
}
input:read-only { border-color: var(--line); }
input:hover { border-color: var(--muted); }
input:focus-visible { outline: 2px solid var(--ring); outline-offset: 1px; border-radius: 9px; }
input[aria-invalid=true] { border-color: var(--bad); }
.hint { color: var(--muted); font-size: .875rem; }
.hint ul { padding-left: 1.1rem; }
button, .button {
  font: inherit; font-weight: 600; min-height: 2.875rem; padding: .6rem 1.1rem; border-radius: 9px; cursor: pointer;
  border: 1px solid transparent; background: var(--accent); color: var(--on-accent); text-decoration: none;
  display: inline-flex; align-items: center; justify-content: center; gap: .5rem;
}
button:hover, .button:hover { background: var(--accent-strong); color: var(--on-accent); }
.quiet { background: transparent; color: var(--text); border-color: var(--line); }
.quiet:hover { background: var(--sunken); color: var(--text); }
.links { display: flex; gap: .35rem 1.25rem; flex-wrap: wrap; padding: 0; list-style: none; }
.actions { display: flex; gap: .75rem; flex-wrap: wrap; }
.actions > * { flex: 1 1 auto; }
.notice { border-radius: 10px; padding: .8rem 1rem; border: 1px solid var(--line); background: var(--surface);
  font-size: .9375rem; }
.notice ul { padding-left: 1.1rem; }
.bad { background: var(--bad-bg); color: var(--bad); border-color: currentColor; }
.good { background: var(--good-bg); color: var(--good); border-color: currentColor; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.hero { display: grid; gap: .6rem; max-width: 46rem; }
.hero h1 { font-size: clamp(1.75rem, 5vw, 2.375rem); }
.section { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
.section > header { display: grid; gap: .2rem; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); padding: 0;
  list-style: none; }
.tile { padding: 1.15rem 1.25rem; display: flex; flex-direction: column; gap: .55rem; overflow-wrap: anywhere; }
.tile .row { display: flex; justify-content: space-between; align-items: center; gap: .75rem; flex-wrap: wrap; }
.tile .button { align-self: start; margin-top: auto; min-height: 2.5rem; padding: .4rem .9rem; }
.pill { display: inline-flex; align-items: center; gap: .4rem; border-radius: 99px; padding: .1rem .65rem;
  font-size: .8125rem; font-weight: 600; background: var(--sunken); color: var(--muted); white-space: nowrap; }
.pill::before { content: ""; width: .5rem; height: .5rem; border-radius: 50%; background: currentColor; }
.pill.plain::before { display: none; }
.pill.ok { background: var(--good-bg); color: var(--good); }
.pill.wait { background: var(--warn-bg); color: var(--warn); }
.pill.down { background: var(--bad-bg); color: var(--bad); }
.pills { display: flex; flex-wrap: wrap; gap: .4rem; }
.scroll { overflow-x: auto; position: relative; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { text-align: left; padding: .7rem 1.25rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--muted); font-weight: 600; font-size: .8125rem; }
tbody th { font-weight: 600; }
td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 11rem; }
.empty { padding: 2rem 1.25rem; text-align: center; color: var(--muted); }
code, pre { font-family: var(--mono); font-size: .875rem; }
pre { margin: 0; padding: .85rem 1rem; border-radius: 9px; background: var(--sunken); border: 1px solid var(--line);
  overflow-x: auto; line-height: 1.5; }
pre.letter { white-space: pre-wrap; overflow-wrap: anywhere; }
.steps { display: grid; gap: 1.1rem; padding: 0; list-style: none; counter-reset: step; }
.steps > li { display: grid; gap: .45rem; grid-template-columns: minmax(0, 1fr); counter-increment: step; }
/* Wrapping does not change the copied text. */
.steps pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.steps h3::before { content: counter(step) ". "; color: var(--muted); }
footer { padding: 1.25rem; text-align: center; color: var(--muted); font-size: .875rem; }
@media (max-width: 36rem) {
  .top { padding: .85rem 1rem; }
  .wide main { padding: 1.5rem 1rem 2.5rem; gap: 2rem; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .facts { grid-template-columns: 1fr; gap: .1rem; }
  .facts dd { margin-bottom: .5rem; }
  /* Rows become cards, and each cell shows the name of its column. */
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: .75rem 1rem; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  tbody th, tbody td, td.wrap { padding: .15rem 0; border: 0; white-space: normal; overflow-wrap: anywhere; min-width: 0; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--muted); }
  td .pills { padding: .3rem 0; }
}
@media (prefers-reduced-motion: no-preference) {
  button, .button, input { transition: background-color .12s, border-color .12s; }
}
`;
