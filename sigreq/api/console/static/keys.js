"use strict";
// What pages can do beyond plain HTML: keys, ticking times, and a queue that keeps your place when it is drawn anew.
// Nothing here is needed: every page works without it.

const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")];
const linkOf = (row) => row?.querySelector("a");
const currentRow = () => document.activeElement?.closest?.("[data-rows] tbody tr") ?? null;

/** Times say in their tooltip what they are where the reader is. */
function tellLocalTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
    time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang);
  }
}

/** The time left, in the words that the server used. */
function tick() {
  const words = document.getElementById("words")?.dataset;
  if (!words) return;
  for (const left of document.querySelectorAll("[data-due]")) {
    const seconds = (new Date(left.dataset.due) - Date.now()) / 1000;
    const told = duration(Math.abs(seconds), words);
    left.textContent = seconds < 0 ? words.late.replace("#", told) : told;
    left.className = seconds < 0 ? "late" : seconds < 3600 ? "soon" : "left";
  }
}

function duration(seconds, words) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) return words.days.replace("#", days).replace("#", hours % 24);
  if (hours) return words.hours.replace("#", hours).replace("#", minutes % 60);
  return words.minutes.replace("#", minutes);
}

function step(by) {
  const all = rows();
  const at = all.indexOf(currentRow());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  linkOf(next)?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    step(event.key === "j" ? 1 : -1);
    return;
  }
  const meant = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!meant) return;
  event.preventDefault();
  if (meant.matches("button, a, summary")) meant.click();
  else meant.focus();
});

// The row you are on stays the row you are on, wherever it moves to.
let kept = null;
document.addEventListener("htmx:before:swap", () => {
  kept = currentRow()?.id ?? null;
});
document.addEventListener("htmx:after:swap", () => {
  tellLocalTimes();
  tick();
  if (kept && !currentRow()) linkOf(document.getElementById(kept))?.focus({ preventScroll: true });
});

// Who is no longer signed in is told so, instead of being shown what stood there long ago.
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) location.reload();
});

// A look at the queue that failed is done again: nobody else says again that something has changed.
for (const failure of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(failure, ({ target, detail }) => {
    const isLasting = detail.ctx?.response?.status < 500;
    if (target.id !== "queue" || isLasting) return;
    setTimeout(() => document.getElementById("live").dispatchEvent(new Event("queue")), 2000);
  });
}

tellLocalTimes();
tick();
setInterval(tick, 10000);
document.getElementById("problem")?.focus();
