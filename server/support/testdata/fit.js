// What does not fit on this page, in this window: what is wider than the window, what is cut off or stands out of its box, texts
// that lie on one another, badges that lie on a bar, controls that a thumb misses (WCAG 2.2, 2.5.8), sentences without words, marks
// that stand twice, and blanks behind the marks of Chinese, which have theirs in them.
// What is meant so is left out: what only a screen reader gets, what scrolls by itself and can be reached by keyboard, and
// reasons that are shortened (-webkit-line-clamp), which the timeline of the model has whole.
(() => {
  const faults = [], name = (e) => e.nodeName.toLowerCase() + (e.className && typeof e.className === "string" ? "." + e.className.split(" ").join(".") : "");
  const tell = (what, e) => faults.push(what + ": " + name(e) + " “" + e.textContent.trim().replace(/\s+/g, " ").slice(0, 50) + "”");
  const styles = new Map(), style = (e) => styles.get(e) || styles.set(e, getComputedStyle(e)).get(e);
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
  const within = (e, test) => { for (let n = e; n; n = n.parentElement) if (test(n)) return n; return null; };
  const apart = (n) => style(n).clipPath !== "none" || n.classList.contains("skip");
  const scrolls = (n) => n.tabIndex === 0 && /auto|scroll/.test(style(n).overflowX);
  const all = [...document.body.querySelectorAll("*")].filter((e) => shown(e) && !within(e, apart));

  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is " + document.documentElement.scrollWidth + " pixels wide");
  for (const e of all) {
    const box = e.getBoundingClientRect(), s = style(e);
    if (box.width && (box.right > innerWidth + 1 || box.left < -1) && !within(e, scrolls)) tell("out of the window", e);
    if (e instanceof SVGElement || s.display === "inline" || !e.clientWidth || e.nodeName === "INPUT" || scrolls(e)) continue;
    const clamped = s.webkitLineClamp !== "none", hides = (o) => o === "hidden" || o === "clip";
    if (e.scrollWidth > e.clientWidth + 1 && !(clamped && !e.firstElementChild)) tell(hides(s.overflowX) ? "cut off" : "out of its box", e);
    if (hides(s.overflowY) && !clamped && e.scrollHeight > e.clientHeight + 1) tell("cut off below", e);
  }

  // The middle half of each line of text: where letters are, whatever room the font asks for around them.
  const lines = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode, e = node.parentElement;
    if (!node.nodeValue.trim() || !shown(e) || within(e, apart) || /^(TITLE|DESC)$/i.test(e.nodeName)) continue;
    range.selectNodeContents(node);
    const frame = within(e, (n) => style(n).webkitLineClamp !== "none" || scrolls(n))?.getBoundingClientRect();
    for (const r of range.getClientRects()) {
      const box = { left: r.left + 1, right: r.right - 1, top: r.top + r.height / 4, bottom: r.bottom - r.height / 4, node, e };
      if (box.right <= box.left || frame && (box.bottom > frame.bottom || box.left > frame.right)) continue;
      lines.push(box);
    }
  }
  lines.sort((a, b) => a.top - b.top);
  lines.forEach((a, i) => {
    for (let j = i + 1; j < lines.length && lines[j].top < a.bottom; j++) {
      const b = lines[j];
      if (a.node !== b.node && a.left < b.right && b.left < a.right) tell("lies on “" + a.node.nodeValue.trim().slice(0, 30) + "”", b.e);
    }
  });

  const bars = all.filter((e) => e.matches("svg.bar")).map((e) => e.getBoundingClientRect());
  for (const e of all) {
    if (!e.matches(".badge")) continue;
    const a = e.getBoundingClientRect();
    if (bars.some((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)) tell("lies on a bar", e);
  }

  // A link within a sentence may be small, and one with room around it.
  if (!matchMedia("print").matches) {
    const boxes = all.filter((e) => e.matches("a[href], button, summary, input:not([type=hidden])")).map((e) => {
      const r = (e.labels?.[0]?.contains(e) ? e.labels[0] : e).getBoundingClientRect();
      return { e, r, x: r.left + r.width / 2, y: r.top + r.height / 2, small: r.width < 24 || r.height < 24 };
    });
    for (const a of boxes) {
      const next = a.e.nextSibling, end = [...a.e.getClientRects()].at(-1), begin = next?.nodeName === "A" && next.getClientRects()[0];
      if (a.e.nodeName === "A" && begin && begin.top < end.bottom && begin.left >= end.left && begin.left < end.right + 3) tell("touches “" + next.textContent.trim().slice(0, 30) + "”", a.e);
      if (!a.small || !a.r.width) continue;
      const block = within(a.e.parentElement, (n) => style(n).display !== "inline");
      if (style(a.e).display === "inline" && block.textContent.trim() !== a.e.textContent.trim()) continue;
      for (const b of boxes) {
        const dx = Math.max(b.r.left - a.x, 0, a.x - b.r.right), dy = Math.max(b.r.top - a.y, 0, a.y - b.r.bottom);
        if (a !== b && b.r.width && (Math.hypot(dx, dy) < 12 || b.small && Math.hypot(a.x - b.x, a.y - b.y) < 24)) {
          tell("too small, beside “" + b.e.textContent.trim().slice(0, 30) + "”", a.e);
          break;
        }
      }
    }
  }

  for (const gap of document.documentElement.outerHTML.matchAll(/\[[^\s\]"\\]*\.[^\s\]"\\]*\]/g)) faults.push("a sentence without words: " + gap[0]);
  for (const twice of document.body.textContent.matchAll(/.{0,12}(。[。；，]|，，|。）。|\.\.(?!\.)).{0,4}/g)) faults.push("two marks: " + twice[0]);
  if (/^zh/.test(document.documentElement.lang)) {
    for (const gap of document.body.textContent.matchAll(/.{0,12}[。，；：）」] [^·\s].{0,8}/g)) faults.push("a blank behind a mark: " + gap[0]);
  }
  return faults;
})()
