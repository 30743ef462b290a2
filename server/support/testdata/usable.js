// What stands in somebody's way on this page: headings that skip a level, controls too small for
// a thumb, tables without names, fields without labels, the same id twice. Links within a
// sentence may be small (WCAG 2.2, 2.5.8).
(() => {
  const faults = [], seen = new Set();
  let level = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const n = Number(h.nodeName[1]);
    if (n > level + 1) faults.push("heading skips a level: " + h.textContent.trim().slice(0, 40));
    level = n;
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  for (const e of document.querySelectorAll("[id]")) {
    if (seen.has(e.id)) faults.push("twice: #" + e.id);
    seen.add(e.id);
  }
  for (const e of document.querySelectorAll("button, summary, input:not([type=hidden]), .choices a, .orders a, .find-one")) {
    const box = (e.labels?.[0]?.contains(e) ? e.labels[0] : e).getBoundingClientRect(); // its label can be pressed as well
    if (box.height && !matchMedia("print").matches && (box.height < 24 || box.width < 24)) faults.push("small: " + e.textContent.trim().slice(0, 30) + " " + Math.round(box.height));
  }
  for (const e of document.querySelectorAll("table")) if (!e.caption || !e.caption.textContent.trim()) faults.push("a table without a caption");
  for (const e of document.querySelectorAll("input:not([type=hidden])")) if (!e.labels.length) faults.push("a field without a label: " + e.name);
  for (const e of document.querySelectorAll("th")) if (!e.scope) faults.push("a heading cell without scope");
  return faults;
})()
