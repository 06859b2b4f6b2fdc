// An article: a link to a paragraph that is gone, and the matches by keys. The page is complete without it.
(() => {
  "use strict";

  const article = () => document.querySelector(".nutgraf article");

  // A fragment does not reach the server: where it names no paragraph, ask for the closest one.
  const find = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    if (!article() || !/^p-[0-9a-f]{8}(-\d+)?$/.test(name) || document.getElementById(name)) return;
    const closest = document.querySelector(".nutgraf .closest");
    if (closest) return location.replace(closest.hash);
    const url = new URL(location);
    if (url.searchParams.get("p") === name) return; // asked already, and there is none
    url.searchParams.set("p", name);
    location.replace(url);
  };

  // To the next match after (1) or before (-1) the paragraph that was come to, or what is in sight.
  const step = (way) => {
    const marked = [...article().querySelectorAll(".paragraph")].filter((one) => one.querySelector("mark"));
    const here = article().querySelector(".paragraph:target");
    const follows = (one) => (here
      ? here.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING
      : one.getBoundingClientRect().top >= 0);
    const next = way > 0 ? marked.find(follows) : marked.filter((one) => one !== here && !follows(one)).pop();
    if (!next) return;
    location.hash = next.id;
    next.querySelector(".anchor").focus({ preventScroll: true });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !article()) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "n" || event.key === "p") {
      event.preventDefault();
      step(event.key === "n" ? 1 : -1);
    }
  });

  // An index that is being built: the page looks again by itself, and goes on once there is one.
  const watch = () => {
    const part = document.querySelector(".nutgraf [data-again]");
    if (!part) return;
    setTimeout(async () => {
      try {
        const answer = await fetch(location, { cache: "no-store" });
        if (answer.status !== 503) return location.reload();
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const now = page.querySelector(".nutgraf [data-again]");
        if (!now) return location.reload();
        part.replaceChildren(...now.childNodes);
      } catch {
        // The server may be starting again as well.
      }
      watch();
    }, 1000 * part.dataset.again);
  };

  document.addEventListener("DOMContentLoaded", () => {
    find();
    watch();
  });
  addEventListener("hashchange", find);
})();
