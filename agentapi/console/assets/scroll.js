// Where a ticket opens: at its newest exchange, with the form to answer below it. Which element scrolls depends on the width.
export function scrollerOf(part) {
  for (let at = part; at && at !== document.body; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return document.scrollingElement;
}

const edges = (scroller) => (scroller === document.scrollingElement ? { top: 0, bottom: innerHeight } : scroller.getBoundingClientRect());

// exchanges are the messages and notes; acknowledgements and the like are none.
const exchanges = () => [...document.querySelectorAll(".exchanges .msg:not(.auto)")];
const newest = () => exchanges().at(-1);

// toNewest shows the end of the story, but never hides where its newest exchange begins. Where the whole page scrolls, a ticket of a
// single exchange is read from its top: what it is about and the button to take it stand there.
export function toNewest() {
  const story = document.querySelector(".story");
  if (!story) return;
  const scroller = scrollerOf(story);
  if (scroller === document.scrollingElement && exchanges().length < 2) return;
  if (scroller === story) story.scrollTop = story.scrollHeight;
  else scroller.scrollTop += story.getBoundingClientRect().bottom - edges(scroller).bottom;
  const last = newest();
  if (last) scroller.scrollTop -= Math.max(0, uncovered(scroller) + 12 - last.getBoundingClientRect().top);
}

// uncovered is where a scroller can be seen from, below what sticks to its top.
function uncovered(scroller) {
  const bars = [...document.querySelectorAll(".top, .head, .notices")].filter((bar) => getComputedStyle(bar).position === "sticky");
  return Math.max(edges(scroller).top, ...bars.map((bar) => bar.getBoundingClientRect().bottom));
}

// opening scrolls the page there once, unless its address names another place in it.
export function opening() {
  const named = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (named && named !== newest()) return;
  toNewest();
  // Browsers go to what the address names once more when all is loaded. Whoever has followed a link meanwhile stays where it led.
  const { hash } = location;
  const again = () => location.hash === hash && toNewest();
  const after = () => requestAnimationFrame(() => requestAnimationFrame(again));
  if (document.readyState !== "complete") addEventListener("load", after, { once: true });
}

// onScreen tells whether the beginning of an element can be seen without scrolling.
export function onScreen(part) {
  const scroller = scrollerOf(part);
  const at = part.getBoundingClientRect().top;
  return at >= uncovered(scroller) && at < edges(scroller).bottom - 40;
}
