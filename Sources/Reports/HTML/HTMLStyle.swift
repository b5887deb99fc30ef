/// The style sheet of the page; colours as variables, so that light and dark differ in one place.
enum HTMLStyle {
  static let text = #"""
    :root{--ink:#1b1b1b;--soft:#595959;--paper:#fff;--panel:#f5f5f5;--line:#d8d8d8;--mark:#0072b2;--hit:#fff2c2;color-scheme:light}
    :root[data-theme=dark]{--ink:#e8e8e8;--soft:#a8a8a8;--paper:#161616;--panel:#222;--line:#3a3a3a;--mark:#56b4e9;--hit:#4a3f12;color-scheme:dark}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){--ink:#e8e8e8;--soft:#a8a8a8;--paper:#161616;--panel:#222;--line:#3a3a3a;--mark:#56b4e9;--hit:#4a3f12;color-scheme:dark}}
    *{box-sizing:border-box}
    body{margin:0;font:14px/1.45 "DejaVu Sans",Verdana,Helvetica,sans-serif;color:var(--ink);background:var(--paper)}
    header{position:sticky;top:0;z-index:3;display:flex;gap:1em;align-items:baseline;flex-wrap:wrap;padding:.5em 1em;background:var(--panel);border-bottom:1px solid var(--line)}
    h1{font-size:16px;margin:0;overflow-wrap:anywhere}h2{font-size:15px;margin:1.6em 0 .5em}h3{font-size:14px;margin:1em 0 .4em}
    nav{display:flex;gap:.8em;flex-wrap:wrap;margin-left:auto}a{color:var(--mark)}
    main{padding:0 1em 2em}section{scroll-margin-top:3.2em}
    footer{padding:.6em 1em;color:var(--soft);font-size:12px;border-top:1px solid var(--line);overflow-wrap:anywhere}
    button,input{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:4px;padding:.15em .55em}
    button:focus-visible,input:focus-visible,.viewport:focus-visible,canvas:focus-visible,a:focus-visible{outline:2px solid var(--mark);outline-offset:1px}
    .tools{display:flex;gap:.5em;align-items:center;flex-wrap:wrap;margin:.3em 0}.hint,small{color:var(--soft);font-size:12px}
    .facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:.6em}
    .fact{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.5em .7em;display:flex;flex-direction:column;overflow-wrap:anywhere}
    .fact span{color:var(--soft);font-size:12px}.fact b{font-size:18px;font-weight:600}
    .bounds{display:flex;margin:.9em 0;gap:3px}.bounds div{border-top:7px solid;padding:.25em .2em;font-size:12px;white-space:nowrap;overflow:hidden;min-width:3px}
    .picture{border:1px solid var(--line);border-radius:6px;overflow:auto;background:#fff}.picture>svg{display:block;max-width:100%;height:auto}
    :root[data-theme=dark] .picture{filter:invert(.9) hue-rotate(180deg)}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]) .picture{filter:invert(.9) hue-rotate(180deg)}}
    .viewport{height:min(70vh,900px);min-height:320px;overflow:hidden;cursor:grab;touch-action:none;user-select:none}.viewport>svg{width:100%;height:100%;max-width:none}
    .viewport .chosen>a>path,.viewport .chosen>path{stroke:#d4009a;stroke-width:7px}
    .viewport .cluster,.viewport .node{cursor:pointer}
    canvas{display:block;width:100%;border:1px solid var(--line);border-radius:6px;touch-action:none}
    .wide{overflow:auto;border:1px solid var(--line);border-radius:6px}.tall{max-height:70vh}
    table{border-collapse:collapse;width:100%;font-size:12.5px}th,td{text-align:left;padding:.25em .6em;border-bottom:1px solid var(--line);vertical-align:top}
    th{position:sticky;top:0;background:var(--panel);white-space:nowrap}th button{border:0;padding:0;font-weight:600;background:none;cursor:pointer}
    th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
    td{overflow-wrap:anywhere;min-width:4em}td.whole{overflow-wrap:normal}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
    td i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
    #table tbody tr{cursor:pointer}#table tr.chosen td{background:var(--hit)}
    aside{position:fixed;right:1em;bottom:1em;z-index:4;max-width:min(480px,90vw);max-height:45vh;overflow:auto;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.7em 1em;box-shadow:0 4px 18px #0004;font-size:13px;overflow-wrap:anywhere}
    aside h3{margin:0 0 .3em}.note{color:var(--soft)}details{margin:.7em 0}summary{cursor:pointer;font-weight:600}
    @media print{header{position:static}.viewport{height:auto}.tall{max-height:none}aside,.tools{display:none}}
    """#
}
