// Keeps the page live: asks for itself with If-None-Match, and moves <main> to the answer by
// changing only what differs, so that focus, scrolling and what was typed stay, and bars glide.
// Without it the page is whole; a reload shows the same.
(() => {
  "use strict";
  const fast = 2000, hidden = 60000, slowest = 30000, between = 8000;
  const main = document.getElementById("main"), live = document.getElementById("live"), voice = document.getElementById("news");
  const pause = document.getElementById("pause");
  if (!main || !live || !pause || !window.fetch || !window.DOMParser) return;
  let etag = "", wait = fast, timer = 0, busy = false, spoken = 0, unspoken = new Map(), speaking = 0, paused = false;

  async function look() {
    if (busy || paused) return;
    busy = true;
    clearTimeout(timer);
    const stop = new AbortController(), limit = setTimeout(() => stop.abort(), 15000);
    try {
      const answer = await fetch(location.pathname + location.search, {
        headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", credentials: "same-origin", signal: stop.signal,
      });
      if (answer.status === 200) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const next = page.getElementById("main");
        if (next && !paused) {
          const news = gather(main, next);
          morph(main, next);
          document.title = page.title;
          etag = answer.headers.get("ETag") || "";
          say(news);
        }
      } else if (answer.status !== 304) {
        throw new Error("status " + answer.status);
      }
      if (paused) return;
      stamp(answer.headers.get("Landed-As-Of"));
      wait = fast;
      show("well");
    } catch {
      wait = Math.min(wait * 2, slowest);
      if (!document.hidden && !paused) show("lost");
    } finally {
      clearTimeout(limit);
      busy = false;
      if (!paused) timer = setTimeout(look, document.hidden ? hidden : wait);
    }
  }

  function show(how) {
    live.className = how;
    if (live.textContent !== live.dataset[how]) live.textContent = live.dataset[how];
    pause.textContent = paused ? pause.dataset.go : pause.dataset.pause;
    pause.hidden = false;
  }

  // The figures are those of this moment, also where nothing moved.
  function stamp(iso) {
    const at = document.getElementById("asof"), when = new Date(iso || "");
    if (!at || isNaN(when)) return;
    const tag = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const day = when.toLocaleDateString(tag, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    const words = `${day}${at.dataset.between} ${when.toISOString().slice(11, 16)} UTC`;
    at.dateTime = iso;
    if (at.textContent !== words) at.textContent = words;
  }

  // What is worth telling: the elements whose data-news is another than before.
  function gather(old, next) {
    const news = new Map();
    for (const now of next.querySelectorAll("[data-news][id]")) {
      const was = old.querySelector("#" + CSS.escape(now.id));
      if (was && was.dataset.news !== now.dataset.news) news.set(now.id, now.dataset.news);
    }
    return news;
  }

  // A screen reader hears changes together, and not more often than it can tell them.
  function say(news) {
    for (const [id, words] of news) unspoken.set(id, words);
    if (!unspoken.size || speaking) return;
    speaking = setTimeout(() => {
      voice.textContent = [...unspoken.values()].slice(0, 5).join(". ");
      unspoken.clear();
      spoken = Date.now();
      speaking = 0;
    }, Math.max(0, spoken + between - Date.now()));
  }

  const key = (node) => node.nodeType === 1 ? node.id || node.dataset?.k || "" : "";
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

  function morph(old, next) {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    if (old.matches("form")) return; // somebody may be typing
    const folded = old.nodeName === "DETAILS"; // what the reader unfolded stays so
    for (const a of [...old.attributes]) if (!next.hasAttribute(a.name) && !(folded && a.name === "open")) old.removeAttribute(a.name);
    for (const a of next.attributes) if (old.getAttribute(a.name) !== a.value && !(folded && a.name === "open")) old.setAttribute(a.name, a.value);
    const keyed = new Map();
    for (const child of old.children) if (key(child)) keyed.set(key(child), child);
    let place = old.firstChild;
    for (const want of [...next.childNodes]) {
      let have = key(want) ? keyed.get(key(want)) : place;
      if (have && alike(have, want)) {
        if (have === place) place = place.nextSibling;
        else old.insertBefore(have, place);
        morph(have, want);
      } else {
        old.insertBefore(document.importNode(want, true), place);
      }
    }
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    clearTimeout(timer);
    show(paused ? "paused" : "well");
    if (!paused) look();
  });
  show("well");
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { wait = fast; look(); } });
  window.addEventListener("online", look);
  timer = setTimeout(look, fast);
})();
