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

// The reader's clock may be wrong: times are counted by the server's, which was `data-now` when the page was made.
const words = document.getElementById("words")?.dataset;
const behind = words ? Date.now() - new Date(words.now) : 0;

/** The time left, in the words that the server used. */
function tick() {
  if (!words) return;
  for (const left of document.querySelectorAll("[data-due]")) {
    const seconds = (new Date(left.dataset.due) - Date.now() + behind) / 1000;
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
  if (document.body.dataset.keys === "off") return;
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
  if (event.repeat) return;
  if (meant.matches("button, a, summary")) meant.click();
  else meant.focus();
});

// What somebody wrote is sent when somebody answers, and stays in the form when nobody does.
const heard = new Set();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const isWritten = form.method === "post" && form.querySelector("textarea");
  if (event.defaultPrevented || !isWritten || heard.delete(form)) return;
  event.preventDefault();
  const answer = await fetch("/health/live", { cache: "no-store" }).catch(() => null);
  const isThere = answer !== null && answer.status < 500; // whatever a proxy makes of this address
  const unsent = document.getElementById("unsent");
  unsent.hidden = isThere;
  if (isThere) {
    heard.add(form);
    form.requestSubmit(event.submitter);
  } else form.append(unsent);
});

// A form is sent once, however often its key or button is pressed, until its page is shown anew.
const sent = new Set();
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});
window.addEventListener("pageshow", () => sent.clear());

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
