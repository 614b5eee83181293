// Keeps the page fresh: fetches it again and swaps what is inside <main>, unless somebody is selecting text.
// X-Refresh says that nobody asked for it: a page that is only left open does not keep its session alive.
"use strict";

const EVERY = 5000;
const live = document.querySelector("[data-live-state]");

async function refresh() {
  if (document.hidden || String(document.getSelection())) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Refresh": "yes" } });
    if (answer.status === 401 && !document.querySelector("main form")) location.reload(); // the session is over
    if (!answer.ok) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const selector of ["main", ".now time"]) {
      const now = document.querySelector(selector);
      const then = next.querySelector(selector);
      if (then && now.outerHTML !== then.outerHTML) now.replaceWith(then);
    }
    live.className = "live";
  } catch {
    live.className = "lost";
  }
}

live.className = "live";
setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
