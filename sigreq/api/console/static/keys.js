"use strict";
// What pages can do beyond plain HTML. Nothing here is needed: every page works without it.

/** Times say in their tooltip what they are where the reader is. */
function tellLocalTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([title])")) {
    time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang);
  }
}

tellLocalTimes();
