// Lists, searches, sorts and charts the charges of the page. Figures are shown as they came, to the last digit; sums of
// money are whole minor units in BigInt. Numbers of floating point only decide orders and heights.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charges = data.charges;
  const PAGE = 100;
  const $ = (id) => document.getElementById(id);

  // Elements are made with text only, never with markup.
  const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const draw = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "onclick") node.addEventListener("click", value);
      else if (value !== undefined && value !== null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child || child === 0));
    return node;
  }

  const thousands = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");
  function figure(text) {
    if (text === undefined) return "unknown";
    const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text);
    return sign + thousands(whole) + rest;
  }
  function money(minor, code, plus) {
    const { symbol, exponent } = data.currencies[code];
    const value = BigInt(minor), magnitude = value < 0n ? -value : value;
    const digits = String(magnitude).padStart(exponent + 1, "0"), cut = digits.length - exponent;
    const amount = thousands(digits.slice(0, cut)) + (exponent ? "." + digits.slice(cut) : "");
    const sign = value < 0n ? "-" : plus && value > 0n ? "+" : "";
    return sign + (symbol ? symbol + amount : amount + " " + code);
  }
  const date = (day) => new Date(day * 86400000);
  const iso = (day) => date(day).toISOString().slice(0, 10);
  const short = (day) => date(day).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

  const needles = charges.map((c) => [c.customer, c.product, c.stripe, c.id, c.part_of ?? "", c.status, c.kind, c.state].join("\n").toLowerCase());
  const columns = [
    { key: "customer", title: "Customer", of: (c) => c.customer },
    { key: "allowance", title: "Allowance", of: (c) => Number(c.granted), n: 1 },
    { key: "used", title: "Used", of: (c) => Number(c.used), n: 1 },
    { key: "overage", title: "Overage", of: (c) => Number(c.overage), n: 1 },
    { key: "price", title: "Price", of: (c) => Number(c.price), n: 1 },
    { key: "exact", title: "Exact", of: (c) => Number(c.exact), n: 1 },
    { key: "amount", title: "Amount", of: (c) => Number(c.minor), n: 1 },
    { key: "change", title: "Change", of: (c) => Number(c.change || 0), n: 1 },
    { key: "daily", title: "By day" },
  ];

  const state = { q: "", sort: "", down: false, all: false, rows: { charged: PAGE, held: PAGE }, opened: new Set() };
  function readHash() {
    const hash = new URLSearchParams(location.hash.slice(1));
    const column = columns.find((c) => c.key === hash.get("sort") && c.of);
    state.q = hash.get("q") || "";
    state.sort = column ? column.key : "";
    state.down = hash.get("dir") === "desc";
    state.all = hash.get("lines") === "all";
    $("q").value = state.q;
    $("open").checked = state.all;
  }
  function writeHash() {
    const hash = new URLSearchParams();
    if (state.q) hash.set("q", state.q);
    if (state.sort) { hash.set("sort", state.sort); if (state.down) hash.set("dir", "desc"); }
    if (state.all) hash.set("lines", "all");
    try { history.replaceState(null, "", "#" + hash); } catch { /* a viewer without addresses */ }
  }

  function selection() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = charges.filter((_, i) => words.every((word) => needles[i].includes(word)));
    const column = columns.find((c) => c.key === state.sort);
    if (!column) return found;
    const sign = state.down ? -1 : 1;
    const rank = (value) => (Number.isNaN(value) ? -Infinity : value);
    return found.map((c) => [rank(column.of(c)), c])
      .sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0)).map(([, c]) => c);
  }

  function header() {
    const row = make("tr");
    for (const column of columns) {
      const sorted = state.sort === column.key ? (state.down ? "descending" : "ascending") : undefined;
      const title = column.of ? make("button", { type: "button", onclick: () => sortBy(column) }, column.title) : column.title;
      row.append(make("th", { scope: "col", class: column.n && "n", "aria-sort": sorted }, title));
    }
    return make("thead", null, row);
  }
  function sortBy(column) {
    state.down = state.sort === column.key ? !state.down : Boolean(column.n);
    state.sort = column.key;
    refresh();
  }

  const label = { overage: "", adjustment: "adjustment", threshold: "threshold" };
  function chargeRows(c) {
    const opened = state.all || state.opened.has(c.id);
    const name = make("button", { type: "button", "aria-expanded": opened, onclick: () => toggle(c) }, c.customer);
    const who = make("td", { class: "who" }, name,
      make("small", null, [c.product, label[c.kind]].filter(Boolean).join(", ") + " · " + c.period),
      c.status === "posted" && make("small", { class: "posted" }, "posted"),
      c.reason && make("div", { class: "reason" }, c.reason));
    const cell = (title, text, note) =>
      make("td", { class: "n", "data-label": title }, make("span", null, text, note && make("small", null, note)));
    const capped = c.capped && c.capped !== "0" ? figure(c.capped) + " not billed" : "";
    const change = c.change === undefined ? "" : money(c.change, c.currency, true);
    const row = make("tr", { class: "charge" + (opened ? " opened" : ""), "data-charge": c.id, "data-customer": c.customer }, who,
      cell("Allowance", figure(c.granted)), cell("Used", figure(c.used)), cell("Overage", figure(c.overage), capped),
      cell("Price", c.tiers ? "by range" : figure(c.price)), cell("Exact", figure(c.exact)),
      make("td", { class: "n amount" }, money(c.minor, c.currency), c.tax && make("small", null, c.tax)),
      make("td", { class: "n change" }, change, c.percent && make("small", null, c.percent)),
      make("td", { class: "daily", "data-label": "By day" }, spark(c)));
    return opened ? [row, detail(c)] : [row];
  }
  function toggle(c) {
    if (!state.opened.delete(c.id)) state.opened.add(c.id);
    refresh(c.id);
  }

  // What a line used: tokens, and other units by name; of the unit quantity only the figure.
  function used(tokens, units) {
    if (!units.length) return figure(tokens);
    const others = units.map(([unit, quantity]) => figure(quantity) + (unit === "quantity" ? "" : " " + unit));
    return [...(tokens === "0" ? [] : [figure(tokens) + " tokens"]), ...others].join(", ");
  }

  function detail(c) {
    const title = c.lines.some(([, , , , units]) => units.length) ? "Used" : "Tokens";
    const lines = make("table", null,
      make("thead", null, make("tr", null, make("th", { scope: "col" }, "Feature"), make("th", { scope: "col", class: "n" }, title),
        make("th", { scope: "col", class: "n" }, "Credits"), make("th", { scope: "col", class: "n" }, "Share"))),
      make("tbody", null, ...c.lines.map(([feature, tokens, credits, minor, units]) => make("tr", null, make("td", null, feature),
        make("td", { class: "n" }, used(tokens, units)), make("td", { class: "n" }, figure(credits)),
        make("td", { class: "n" }, money(minor, c.currency))))));
    const rounding = `${figure(c.billable)} credits billable, ${figure(c.billed)} billed; rounding added ${c.residual} ${c.currency}`;
    const ranges = (c.tiers || []).map((t) => figure(t.per_credit) + (t.flat ? " and " + figure(t.flat) + " once" : "") +
      (t.up_to ? " to " + figure(t.up_to) : "")).join(c.tiers_mode ? ", else " : ", then ");
    const price = [ranges && (c.tiers_mode ? "by " + c.tiers_mode + " " : "") + ranges,
      c.minimum && "at least " + figure(c.minimum) + " a period"].filter(Boolean).join(", ");
    return make("tr", { class: "lines" }, make("td", { colspan: columns.length }, make("div", { class: "detail" },
      make("div", null, lines, make("p", null, rounding),
        price && make("p", null, "Price of a credit: " + price),
        c.within && make("p", null, money(c.within, c.currency) + " were charged within the period before"),
        make("p", null, "Charge ", make("code", null, c.id)),
        c.part_of ? make("p", null, "posted with the other parts of ", make("code", null, c.part_of)) : "",
        make("p", null, c.stripe ? make("code", null, c.stripe) : "no Stripe customer")),
      c.days && make("div", null, bars([{ name: c.customer, days: c.days }], c.span, 380, 120, `Credits by day of ${c.customer}`)))));
  }

  // Charts.
  const total = (c) => Number(c.used);
  function spark(c) {
    if (!c.days) return "";
    const from = c.span[0], to = c.span[1] + 1, top = Math.max(...c.days.map(([, v]) => Number(v)), 1e-18);
    const step = 100 / (to - from);
    return draw("svg", { class: "spark", viewBox: "0 0 100 20", preserveAspectRatio: "none", "aria-hidden": "true" },
      ...c.days.map(([day, v]) => {
        const height = Math.max((Number(v) / top) * 20, 0.5);
        return draw("rect", { class: "s0", x: ((day - from) * step).toFixed(2), y: (20 - height).toFixed(2), width: (step * 0.75).toFixed(2), height: height.toFixed(2) });
      }));
  }
  function niceStep(top) {
    const power = 10 ** Math.floor(Math.log10(top / 3));
    return [1, 2, 5, 10].map((m) => m * power).find((step) => top / step <= 4);
  }
  // bars stacks the series, each with its days as [day, credits], from the first to the last day of the span.
  function bars(series, [first, last], width, height, title) {
    const sums = new Map();
    for (const s of series) for (const [day, v] of s.days) sums.set(day, (sums.get(day) || 0) + Number(v));
    const top = Math.max(...sums.values(), 1e-18), step = niceStep(top);
    const left = 8 + 7 * Math.ceil(top / step * step).toLocaleString("en-US").length, bottom = 20, roof = 8;
    const room = width - left, tall = height - bottom - roof, slot = Math.min(room / (last - first + 1), 40);
    const y = (v) => roof + tall - (v / top) * tall;
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
    for (let v = 0; v <= top; v += step) {
      svg.append(draw("line", { class: "grid", x1: left, x2: width, y1: y(v), y2: y(v) }),
        draw("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, v.toLocaleString("en-US")));
    }
    const floor = new Map();
    series.forEach((s, i) => {
      for (const [day, v] of s.days) {
        const below = floor.get(day) || 0, above = below + Number(v);
        floor.set(day, above);
        svg.append(draw("rect", {
          class: "s" + Math.min(i, 4), x: (left + (day - first) * slot + slot * 0.1).toFixed(1), y: y(above).toFixed(1),
          width: (slot * 0.8).toFixed(1), height: Math.max(y(below) - y(above), 0).toFixed(1),
        }, draw("title", null, `${s.name}, ${iso(day)}: ${figure(String(v))} credits`)));
      }
    });
    const every = Math.max(1, Math.ceil(56 / slot));
    for (let day = first; day <= last; day += every) {
      const x = left + (day - first + 0.5) * slot, edge = x > width - 22;
      svg.append(draw("text", { x: edge ? width : x, y: height - 4, "text-anchor": edge ? "end" : "middle" }, short(day)));
    }
    return svg;
  }

  function overview(found) {
    const host = $("charts");
    host.replaceChildren();
    for (const system of Object.keys(data.systems)) {
      const byCustomer = new Map(), span = [Infinity, -Infinity];
      for (const c of found) {
        if (c.system !== system || !c.days) continue;
        const kept = byCustomer.get(c.customer) || { name: c.customer, size: 0, days: [] };
        kept.size += total(c);
        span[0] = Math.min(span[0], c.span[0]);
        span[1] = Math.max(span[1], c.span[1]);
        kept.days.push(...c.days);
        byCustomer.set(c.customer, kept);
      }
      const ranked = [...byCustomer.values()].sort((a, b) => b.size - a.size);
      if (!ranked.length) continue;
      const series = ranked.slice(0, ranked.length > 5 ? 4 : 5);
      if (ranked.length > 5) {
        const rest = new Map();
        for (const s of ranked.slice(4)) for (const [day, v] of s.days) rest.set(day, (rest.get(day) || 0) + Number(v));
        series.push({ name: `${(ranked.length - 4).toLocaleString("en-US")} other customers`, days: [...rest].sort(([a], [b]) => a - b), rest: true });
      }
      const whose = ranked.length === 1 ? ranked[0].name : `${ranked.length.toLocaleString("en-US")} customers`;
      host.append(make("figure", null,
        make("figcaption", null, data.systems[system] + " used by day ", make("span", null, "· " + whose)),
        make("ul", { class: "legend" }, ...(ranked.length > 1 ? series : []).map((s, i) => make("li", null,
          make("i", { class: "s" + Math.min(i, 4), "aria-hidden": "true" }),
          s.rest ? s.name : make("button", { type: "button", onclick: () => search(s.name) }, s.name)))),
        bars(series, span, Math.max(host.clientWidth - 42, 280), 210, `${data.systems[system]} used by day by ${whose}`)));
    }
  }
  function search(text) { $("q").value = state.q = text; refresh(); }

  function list(id, title, found) {
    const host = $(id);
    host.replaceChildren();
    if (!found.length) return;
    const shown = found.slice(0, state.rows[id]);
    const body = make("tbody", null, ...shown.flatMap(chargeRows));
    host.append(make("h2", null, title),
      make("div", { class: "scroll" }, make("table", null, header(), body)));
    if (shown.length < found.length) {
      const next = Math.min(found.length - shown.length, 10 * PAGE);
      host.append(make("button", { type: "button", class: "more", onclick: () => { state.rows[id] += next; refresh(); } },
        `Show ${next.toLocaleString("en-US")} more of ${found.length.toLocaleString("en-US")}`));
    }
  }

  function summary(found) {
    const sums = new Map();
    for (const c of found) sums.set(c.currency, (sums.get(c.currency) || 0n) + BigInt(c.minor));
    const sum = [...sums].map(([code, minor]) => money(minor, code)).join(" + ");
    const all = thousands(String(charges.length)) + (charges.length === 1 ? " charge" : " charges");
    const count = found.length === charges.length ? all : `${thousands(String(found.length))} of ${all}`;
    $("found").textContent = sum ? `${count}, ${sum}` : count;
  }

  let found = [];
  function refresh(focus) {
    found = selection();
    summary(found);
    overview(found);
    list("charged", found.some((c) => c.status === "posted") ? "Ready and posted" : "Ready to post", found.filter((c) => c.status !== "held"));
    list("held", "Held, not charged until the reason is gone", found.filter((c) => c.status === "held"));
    if (focus) document.querySelector(`[data-charge="${CSS.escape(focus)}"] button`)?.focus();
    writeHash();
  }

  let waiting;
  const soon = (work) => { clearTimeout(waiting); waiting = setTimeout(work, 120); };
  $("q").addEventListener("input", () => soon(() => { state.q = $("q").value; state.rows = { charged: PAGE, held: PAGE }; refresh(); }));
  $("open").addEventListener("change", () => { state.all = $("open").checked; refresh(); });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { readHash(); refresh(); });
  addEventListener("resize", () => soon(() => overview(found)));
  addEventListener("beforeprint", () => { state.rows = { charged: Infinity, held: Infinity }; refresh(); });
  if (charges.length) $("app").hidden = false;
  readHash();
  refresh();
})();
