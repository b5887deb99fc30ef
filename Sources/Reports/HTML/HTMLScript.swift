/// The script of the page. Text from the result only ever becomes `textContent`.
enum HTMLScript {
  static let text = "\n(() => {" + common + table + picture + timeline + keys + "})();\n"

  private static let common = #"""

    "use strict";
    const data = JSON.parse(document.getElementById("data").textContent);
    const root = document.documentElement, find = (s, e = document) => e.querySelector(s), all = (s, e = document) => [...e.querySelectorAll(s)];
    let chosen = null;
    const listeners = [];
    function choose(id, from) {
      chosen = id;
      for (const listener of listeners) listener(id, from);
      const box = document.getElementById("details"), kernel = data.kernels[id];
      box.hidden = !kernel;
      box.replaceChildren();
      if (!kernel) return;
      const add = (tag, text) => { const e = document.createElement(tag); e.textContent = text; box.append(e); };
      add("h3", "#" + id + " " + kernel.n); add("div", kernel.t); add("p", kernel.r); add("small", "from: " + kernel.o.join(", "));
    }
    const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; drawTime(); });
    """#

  private static let table = #"""

    const body = find("#table tbody"), rows = all("tr", body), rowOf = new Map(rows.map(r => [+r.dataset.kernel, r]));
    const heads = all("#table th");
    function sortBy(column) {
      const head = heads[column], up = head.getAttribute("aria-sort") === "descending" || !rows[0]?.cells[column].dataset.v && head.getAttribute("aria-sort") !== "ascending";
      for (const h of heads) h.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = r => { const c = r.cells[column]; return c.dataset.v === undefined ? c.textContent : +c.dataset.v; };
      const order = rows.map((r, i) => [key(r), i, r]).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) * (up ? 1 : -1) || a[1] - b[1]);
      body.append(...order.map(o => o[2]));
    }
    heads.forEach((h, i) => h.firstElementChild.addEventListener("click", () => sortBy(i)));
    const search = document.getElementById("search");
    function filter() {
      const word = search.value.toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const kernel = data.kernels[row.dataset.kernel];
        const hit = !word || row.textContent.toLowerCase().includes(word) || kernel && kernel.o.some(o => o.toLowerCase().includes(word));
        row.hidden = !hit; if (hit) shown++;
      }
      document.getElementById("count").textContent = shown + " of " + rows.length + " kernels";
    }
    search.addEventListener("input", filter); filter();
    body.addEventListener("click", e => { const row = e.target.closest("tr"); if (row) choose(+row.dataset.kernel, "table"); });
    listeners.push((id, from) => {
      find("tr.chosen", body)?.classList.remove("chosen");
      const row = rowOf.get(id);
      if (!row) return;
      row.classList.add("chosen");
      if (from !== "table") row.scrollIntoView({block: "nearest"});
    });
    for (const dot of all(".picture [data-kernel]")) dot.addEventListener("click", () => choose(+dot.dataset.kernel, "plot"));
    """#

  private static let picture = #"""

    const view = document.getElementById("schedule-view"), svg = view && find("svg", view);
    let frame = null, whole = null;
    if (svg) {
      const box = svg.viewBox.baseVal;
      whole = {x: box.x, y: box.y, w: box.width, h: box.height}; frame = {...whole};
      svg.removeAttribute("width"); svg.removeAttribute("height");
      const apply = () => svg.setAttribute("viewBox", [frame.x, frame.y, frame.w, frame.h].join(" "));
      const scale = () => Math.max(frame.w / view.clientWidth, frame.h / view.clientHeight);
      const zoom = (factor, px, py) => {
        const w = Math.min(whole.w * 1.5, Math.max(whole.w / 200, frame.w * factor)); factor = w / frame.w;
        const s = scale(), cx = frame.x + frame.w / 2 + (px - view.clientWidth / 2) * s, cy = frame.y + frame.h / 2 + (py - view.clientHeight / 2) * s;
        frame = {x: cx + (frame.x - cx) * factor, y: cy + (frame.y - cy) * factor, w: frame.w * factor, h: frame.h * factor}; apply();
      };
      const zooms = {in: () => zoom(.7, view.clientWidth / 2, view.clientHeight / 2), out: () => zoom(1 / .7, view.clientWidth / 2, view.clientHeight / 2), fit: () => { frame = {...whole}; apply(); }};
      for (const b of all("[data-zoom]")) b.addEventListener("click", zooms[b.dataset.zoom]);
      view.addEventListener("wheel", e => { e.preventDefault(); const r = view.getBoundingClientRect(); zoom(e.deltaY < 0 ? .85 : 1 / .85, e.clientX - r.left, e.clientY - r.top); }, {passive: false});
      let drag = null;
      view.addEventListener("pointerdown", e => { drag = {x: e.clientX, y: e.clientY, fx: frame.x, fy: frame.y, moved: false}; });
      addEventListener("pointermove", e => { if (!drag) return; const s = scale(); if (Math.abs(e.clientX - drag.x) + Math.abs(e.clientY - drag.y) > 4) drag.moved = true; if (drag.moved) { frame.x = drag.fx - (e.clientX - drag.x) * s; frame.y = drag.fy - (e.clientY - drag.y) * s; apply(); } });
      addEventListener("pointerup", () => { setTimeout(() => { drag = null; }); });
      const kernelOf = new Map();
      for (const id of Object.keys(data.kernels)) { const c = data.kernels[id].c; if (c && !kernelOf.has(c)) kernelOf.set(c, +id); }
      svg.addEventListener("click", e => {
        e.preventDefault();
        if (drag?.moved) return;
        const g = e.target.closest("g.cluster,g.node"), name = g?.id.replace(/^(kernel|rows)_/, "");
        if (kernelOf.has(name)) choose(kernelOf.get(name), "picture");
      });
      view.addEventListener("keydown", e => {
        const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key];
        if (!step) return;
        e.preventDefault(); frame.x += step[0] * frame.w * .1; frame.y += step[1] * frame.h * .1; apply();
      });
      addEventListener("keydown", e => { if (e.target.matches("input") || e.ctrlKey || e.metaKey) return; if (e.key === "+") zooms.in(); else if (e.key === "-") zooms.out(); else if (e.key === "0") zooms.fit(); });
      listeners.push((id, from) => {
        for (const g of all(".chosen", svg)) g.classList.remove("chosen");
        const g = data.kernels[id] && document.getElementById("kernel_" + data.kernels[id].c);
        if (!g) return;
        g.classList.add("chosen");
        if (from === "picture") return;
        const b = g.getBBox(), m = svg.getScreenCTM().inverse().multiply(g.getScreenCTM());
        const at = new DOMPoint(b.x + b.width / 2, b.y + b.height / 2).matrixTransform(m), w = Math.min(frame.w, Math.max(b.width * 5, whole.w / 12));
        frame = {w, h: w * frame.h / frame.w, x: at.x - w / 2, y: at.y - w * frame.h / frame.w / 2}; apply();
      });
    }
    """#

  private static let timeline = #"""

    const canvas = document.getElementById("time-view"), pen = canvas.getContext("2d"), timeSearch = document.getElementById("time-search");
    const endTime = data.end * 1e9 || 1, left = 130, laneHeight = 24, top = 22;
    let window_ = [0, endTime], hits = null;
    canvas.height = 1;
    const unit = t => t < 1e-3 ? "0" : t >= 1e9 ? (t / 1e9).toPrecision(4) + " s" : t >= 1e6 ? (t / 1e6).toPrecision(4) + " ms" : t >= 1e3 ? (t / 1e3).toPrecision(4) + " µs" : t.toPrecision(3) + " ns";
    function drawTime() {
      const width = canvas.clientWidth, height = top + data.lanes.length * laneHeight + 6, ratio = devicePixelRatio || 1;
      canvas.style.height = height + "px"; canvas.width = width * ratio; canvas.height = height * ratio; pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      const style = getComputedStyle(root), ink = style.getPropertyValue("--ink"), soft = style.getPropertyValue("--soft"), line = style.getPropertyValue("--line");
      pen.font = "10px 'DejaVu Sans',Verdana,sans-serif"; pen.textBaseline = "middle";
      const [a, b] = window_, x = t => left + (t - a) / (b - a) * (width - left - 4);
      const raw = (b - a) / 8, base = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map(m => m * base).find(s => s >= raw);
      for (let t = Math.ceil(a / step) * step; t <= b; t += step) { pen.fillStyle = line; pen.fillRect(x(t), 14, 1, height); pen.fillStyle = soft; pen.fillText(unit(t), Math.min(x(t) + 2, width - 60), 8); }
      pen.save(); pen.beginPath(); pen.rect(left, 0, width, height); pen.clip();
      for (const [lane, kernel, s, e, fill, bound] of data.spans) {
        if (e < a || s > b) continue;
        const x0 = x(s), w = Math.max(.7, x(e) - x0 - .5), y = top + lane * laneHeight;
        pen.globalAlpha = hits && !hits.has(kernel) ? .18 : 1;
        pen.fillStyle = fill; pen.fillRect(x0, y, w, laneHeight - 4);
        pen.fillStyle = data.bounds[bound]; pen.fillRect(x0, y, w, 4);
        if (kernel === chosen) { pen.strokeStyle = "#d4009a"; pen.lineWidth = 2; pen.strokeRect(x0, y, w, laneHeight - 4); }
        if (w > 26) { const name = kernel < 0 ? data.overhead : "#" + kernel + " " + (data.kernels[kernel]?.n ?? ""); pen.fillStyle = "#111"; const from = Math.max(x0, left) + 3, room = x0 + w - from - 3; let shown = name; if (pen.measureText(shown).width > room) { shown = kernel < 0 ? "" : "#" + kernel; } if (pen.measureText(shown).width <= room) pen.fillText(shown, from, y + 12); }
      }
      pen.restore(); pen.globalAlpha = 1; pen.fillStyle = ink;
      data.lanes.forEach((name, lane) => { let shown = name; while (shown && pen.measureText(shown).width > left - 10) shown = shown.slice(0, -2); pen.fillText(shown === name ? name : shown + "…", 6, top + lane * laneHeight + 10); });
    }
    function zoomTime(factor, at) {
      const [a, b] = window_, span = Math.min(endTime, Math.max(1, (b - a) * factor)), share = (at - a) / (b - a);
      const start = Math.min(Math.max(0, at - share * span), endTime - span); window_ = [start, start + span]; drawTime();
    }
    const timeAt = e => { const r = canvas.getBoundingClientRect(); return window_[0] + Math.max(0, e.clientX - r.left - left) / (r.width - left - 4) * (window_[1] - window_[0]); };
    const middle = () => (window_[0] + window_[1]) / 2;
    const times = {in: () => zoomTime(.6, middle()), out: () => zoomTime(1 / .6, middle()), fit: () => { window_ = [0, endTime]; drawTime(); }};
    for (const b of all("[data-time]")) b.addEventListener("click", times[b.dataset.time]);
    canvas.addEventListener("wheel", e => { e.preventDefault(); zoomTime(e.deltaY < 0 ? .8 : 1.25, timeAt(e)); }, {passive: false});
    let pan = null;
    canvas.addEventListener("pointerdown", e => { pan = {x: e.clientX, from: window_[0], moved: false}; });
    addEventListener("pointermove", e => { if (!pan) return; const span = window_[1] - window_[0], by = (e.clientX - pan.x) / (canvas.clientWidth - left - 4) * span; if (Math.abs(e.clientX - pan.x) > 3) pan.moved = true; if (pan.moved) { const start = Math.min(Math.max(0, pan.from - by), endTime - span); window_ = [start, start + span]; drawTime(); } });
    addEventListener("pointerup", e => {
      if (pan && !pan.moved && e.target === canvas) { const t = timeAt(e), lane = Math.floor((e.clientY - canvas.getBoundingClientRect().top - top) / laneHeight); const s = data.spans.find(s => s[0] === lane && s[2] <= t && t <= s[3]); if (s) choose(s[1], "time"); }
      pan = null;
    });
    canvas.addEventListener("keydown", e => {
      const span = window_[1] - window_[0], by = {ArrowLeft: -.2, ArrowRight: .2}[e.key];
      if (by) { e.preventDefault(); const start = Math.min(Math.max(0, window_[0] + by * span), endTime - span); window_ = [start, start + span]; drawTime(); }
      else if (e.key === "ArrowUp") { e.preventDefault(); times.in(); } else if (e.key === "ArrowDown") { e.preventDefault(); times.out(); }
    });
    timeSearch.addEventListener("input", () => {
      const word = timeSearch.value.toLowerCase();
      hits = word ? new Set(Object.keys(data.kernels).filter(id => "#" + id === word || data.kernels[id].n.toLowerCase().includes(word)).map(Number)) : null;
      document.getElementById("time-hint").textContent = hits ? hits.size + " kernels match" : "drag to move, wheel to zoom, arrow keys when focused"; drawTime();
    });
    listeners.push((id, from) => {
      const s = data.spans.find(s => s[1] === id);
      if (s && from !== "time" && (s[3] < window_[0] || s[2] > window_[1])) { const span = window_[1] - window_[0], start = Math.min(Math.max(0, (s[2] + s[3] - span) / 2), endTime - span); window_ = [start, start + span]; }
      drawTime();
    });
    addEventListener("resize", drawTime); matchMedia("(prefers-color-scheme:dark)").addEventListener("change", drawTime); drawTime();
    """#

  private static let keys = #"""

    addEventListener("keydown", e => {
      if (e.key === "Escape") { search.value = timeSearch.value = ""; hits = null; filter(); choose(null); document.activeElement?.blur(); return; }
      if (e.target.matches("input") || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "/") { e.preventDefault(); search.focus(); return; }
      if (e.key !== "j" && e.key !== "k") return;
      const shown = all("tr", body).filter(r => !r.hidden), at = shown.findIndex(r => +r.dataset.kernel === chosen);
      const next = shown[Math.min(shown.length - 1, Math.max(0, at < 0 ? 0 : at + (e.key === "j" ? 1 : -1)))];
      if (next) choose(+next.dataset.kernel, "keys");
    });
    root.dataset.ready = rows.length;

    """#
}
