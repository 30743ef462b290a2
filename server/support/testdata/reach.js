// Notes what Tab reaches and if one sees where it is. It gives how many elements there are to be reached; untold() says later what is wrong.
(() => {
  const wanted = [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), [tabindex]")]
    .filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }));
  const reached = [], faults = [], name = (e) => e.nodeName.toLowerCase() + " “" + (e.textContent.trim() || e.id).slice(0, 40) + "”";
  document.addEventListener("focusin", ({ target: e }) => {
    const box = e.getBoundingClientRect(), s = getComputedStyle(e), last = reached.at(-1);
    if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) faults.push("one does not see that it has the focus: " + name(e));
    if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) faults.push("has the focus out of sight: " + name(e));
    if (last && !(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING) && !reached.includes(e)) faults.push("is reached out of its order: " + name(e));
    reached.push(e);
  });
  window.untold = () => [...faults, ...wanted.filter((e) => e.isConnected && !reached.includes(e)).map((e) => "Tab does not reach " + name(e))];
  return wanted.length;
})()
