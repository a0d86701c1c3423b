// Makes the pages quicker to use; each of them works without. Elements are made with text only, never with markup.
"use strict";
(() => {
  const PART = { "Creditmill-Part": "1" };
  const make = (tag, text) => {
    const node = document.createElement(tag);
    if (text) node.textContent = text;
    return node;
  };

  // A filter takes effect as it is typed: the server makes the list, and only the list is exchanged.
  const filter = document.getElementById("filter");
  const heard = make("p"); // by who does not see the list change
  heard.className = "skip";
  heard.setAttribute("role", "status");
  if (filter) document.getElementById("main").append(heard);
  let asked, waiting;
  async function refilter() {
    const values = [...new FormData(filter)].filter(([, value]) => value !== "");
    const address = filter.action.split("?")[0] + (values.length ? "?" + new URLSearchParams(values) : "");
    if (asked) asked.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(address, { headers: PART, signal: asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const began = performance.now();
      const list = page.getElementById("list");
      if (!answer.ok || !list) { location.assign(address); return; }
      document.getElementById("list").replaceWith(list);
      history.replaceState(null, "", address);
      heard.textContent = document.getElementById("found").textContent;
      list.dataset.scriptMs = (performance.now() - began).toFixed(1);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }
  if (filter) {
    filter.addEventListener("input", (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(refilter, event.target.type === "search" || event.target.inputMode ? 150 : 0);
    });
    filter.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); refilter(); });
  }

  // Printing takes all that the filter finds: the whole list is opened first where it has more than one page.
  for (const link of document.querySelectorAll("[data-print]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const whole = document.querySelector("#list .whole a");
      if (whole) location.assign(whole.href + "#print"); else print();
    });
  }
  if (location.hash === "#print") addEventListener("load", () => print());

  // Where a chart is wider than the window, the latest days are what is seen first.
  for (const chart of document.querySelectorAll(".wide-chart")) chart.scrollLeft = chart.scrollWidth;

  // One form is sent once.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    setTimeout(() => { for (const button of event.target.querySelectorAll("button")) button.disabled = true; });
  });
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form button")) button.disabled = false;
  });

  // A file is read into the text that is sent.
  for (const input of document.querySelectorAll("[data-into]")) {
    input.addEventListener("change", async () => {
      if (input.files[0]) input.form.elements[input.dataset.into].value = await input.files[0].text();
    });
  }

  // Uploads, one after another, with their progress.
  const form = document.getElementById("upload");
  if (!form) return;
  const send = (file) => new Promise((done) => {
    const item = make("li", file.name + " "), bar = make("progress"), stop = make("button", "Cancel");
    bar.max = 1;
    bar.setAttribute("aria-label", "Progress of " + file.name);
    stop.type = "button";
    item.append(bar, " ", stop);
    document.getElementById("progress").append(item);
    const request = new XMLHttpRequest(), parts = new FormData();
    parts.append("csrf", form.elements.csrf.value);
    parts.append("source", form.elements.source.value);
    parts.append("file", file, file.name);
    const end = (text, bad) => { item.replaceChildren(text); item.className = bad ? "bad" : ""; done(!bad); };
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.loaded / event.total;
      if (event.loaded === event.total) { bar.removeAttribute("value"); stop.remove(); }
    });
    request.addEventListener("load", () => end(request.getResponseHeader("Content-Type")?.startsWith("text/plain")
      ? request.responseText : file.name + ": refused; sign in again and retry.", request.status !== 200));
    request.addEventListener("error", () => end(file.name + ": the connection broke. Nothing of it was loaded.", true));
    request.addEventListener("abort", () => end(file.name + ": cancelled. Nothing of it was loaded.", true));
    stop.addEventListener("click", () => request.abort());
    request.open("POST", form.getAttribute("action"));
    request.setRequestHeader("Creditmill-Part", "1");
    request.send(parts);
  });
  async function sendAll(files) {
    for (const file of files) await send(file);
    const answer = await fetch(location.href, { headers: PART });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main > .scroll"), old = document.querySelector("main > .scroll, main > .empty");
    if (fresh && old) old.replaceWith(fresh);
    form.elements.file.value = "";
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); sendAll([...form.elements.file.files]); });
  let inside = 0;
  const drop = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragenter", (event) => { event.preventDefault(); inside++; drop(true); });
  addEventListener("dragleave", () => { if (--inside <= 0) { inside = 0; drop(false); } });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    drop(false);
    sendAll([...event.dataTransfer.files]);
  });
})();
