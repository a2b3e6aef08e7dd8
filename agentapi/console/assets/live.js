// The page follows what happens. One stream per browser, not per tab: whoever holds the lock listens and tells the others. What
// changed is fetched as the page itself, at most once a second, and its parts marked data-live take the place of ours.
import { untouched } from "./drafts.js";
import { onScreen, scrollerOf } from "./scroll.js";

const BETWEEN = 1000; // ms between two fetches
const AT_ONCE = 200; // the same when a telephone rings: it must be seen within the second
const PATIENCE = 10_000; // ms without the stream before saying so
const CLOCK = 60_000; // ms after which "2 min" is no longer true

export function live() {
  const channel = new BroadcastChannel("guichet");
  const page = pageRefresher();
  const hear = (said) => {
    if (said === "change") page.soon();
    else if (said === "call") page.soon(true);
    else if (said === "up" || said === "down") lost(said === "down");
  };
  channel.addEventListener("message", (e) => hear(e.data));
  const tell = (said) => {
    hear(said);
    channel.postMessage(said);
  };
  const listen = () => new Promise(() => follow(tell)); // holds the lock until the tab goes
  if (navigator.locks) navigator.locks.request("guichet-live", listen);
  else follow(tell); // plain http on an intranet has no locks
  setInterval(() => page.soon(), CLOCK);
  document.addEventListener("visibilitychange", () => page.soon());
}

// follow listens to the server. EventSource comes back by itself, unless the answer was no: then we ask again now and then.
function follow(tell) {
  let down = 0;
  const open = () => {
    const stream = new EventSource("/live");
    stream.addEventListener("open", () => {
      tell("change"); // something may have been missed, were it only since the page was made
      clearTimeout(down);
      down = 0;
      tell("up");
    });
    stream.addEventListener("message", (e) => tell(JSON.parse(e.data).type.startsWith("call.") ? "call" : "change"));
    stream.addEventListener("error", () => {
      down ||= setTimeout(() => tell("down"), PATIENCE);
      if (stream.readyState === EventSource.CLOSED) setTimeout(open, PATIENCE);
    });
  };
  open();
}

function lost(is, signedOut = false) {
  const banner = document.getElementById("lost");
  if (!banner) return;
  banner.textContent = signedOut ? banner.dataset.signedOut : banner.dataset.lost;
  banner.hidden = !is;
}

// pageRefresher fetches the page again when asked, never twice at once and not while nobody looks.
function pageRefresher() {
  let wanted = false, urgent = false, busy = false, last = 0;
  const run = async () => {
    wanted = urgent = false;
    busy = true;
    last = Date.now();
    try {
      await refresh();
    } catch { // the network is gone: the stream says so
    }
    busy = false;
    if (wanted) soon();
  };
  let timer = 0;
  const soon = (rings = false) => {
    wanted = true;
    urgent ||= rings;
    if (busy || timer && !rings || document.hidden) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      if (wanted && !busy) run();
    }, urgent ? Math.max(0, last + AT_ONCE - Date.now()) : Math.max(80, last + BETWEEN - Date.now()));
  };
  return { soon };
}

async function refresh() {
  // After a refused form the address is the action's: the ticket's own page is what changes.
  const here = location.pathname.replace(/^(\/tickets\/[^/]+)\/[a-z]+$/, "$1") + location.search;
  const answer = await fetch(here, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
  if (answer.redirected || answer.status === 401) {
    lost(true, true);
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = messages(document);
  const items = listOf(document);
  const rang = calls(document);
  for (const part of document.querySelectorAll("[data-live]")) {
    const news = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (news && replace(part, news) && part.dataset.live === "story") haveSeen(fresh);
  }
  document.title = fresh.title;
  announce(before, items, rang);
}

// haveSeen lets forms that stayed, because someone writes in them, be sent from what the page shows by now.
function haveSeen(fresh) {
  const version = fresh.querySelector("input[name=version]")?.value;
  if (version) for (const field of document.querySelectorAll("input[name=version]")) field.value = version;
}

const messages = (root) => new Set([...root.querySelectorAll("[data-message][id]")].map((m) => m.dataset.message));

const calls = (root) => new Set([...root.querySelectorAll("[data-call]")].map((c) => c.dataset.call));

const listOf = (root) => [...root.querySelectorAll(".list .item")].map((i) => i.id).join(" ");

// shown is what the server sent last for each part: browsers write their own marks into the page.
const shown = new Map();

// essence is a part without what differs each time it is made.
const essence = (part) => part.outerHTML.replace(/name="key" value="[^"]*"/g, "");

// replace puts news in the place of part, unless someone writes there, and tells whether the page shows them. Focus, scroll and
// what was unfolded stay.
function replace(part, news) {
  if (!untouched(part)) return false;
  for (const open of part.querySelectorAll("details[id]")) {
    const same = news.querySelector("#" + CSS.escape(open.id));
    if (same) same.open = open.open;
  }
  const tab = part.querySelector("input.tab:checked");
  if (tab) {
    const same = news.querySelector("#" + CSS.escape(tab.id));
    if (same) same.checked = true;
  }
  const text = essence(news);
  if (text === (shown.get(part.dataset.live) ?? essence(part))) return true;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const frames = [...part.querySelectorAll("details[open] iframe")];
  if (frames.length && [...messages(part)].length === [...messages(news)].length) return false; // someone reads in it
  if ([...part.querySelectorAll("audio")].some((a) => !a.paused && !a.ended)) return false; // someone listens
  const story = part.dataset.live === "story";
  const scroller = story ? scrollerOf(part) : part;
  const bottom = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  const top = scroller.scrollTop;
  const fresh = document.adoptNode(news);
  part.replaceWith(fresh);
  shown.set(fresh.dataset.live, text);
  const now = story ? scroller : fresh;
  now.scrollTop = story && bottom ? now.scrollHeight : top;
  refocus(fresh, focused);
  return true;
}

function refocus(fresh, focused) {
  if (!focused) return;
  const path = focused.id ? "#" + CSS.escape(focused.id) : focused.matches("a[href]") ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]`
    : focused.matches("summary") && focused.parentElement.id ? "#" + CSS.escape(focused.parentElement.id) + " > summary" : null;
  const same = path ? fresh.querySelector(path) : null;
  (same ?? fresh.querySelector(focused.tagName) ?? document.getElementById("main"))?.focus({ preventScroll: true });
}

function announce(before, items, rang) {
  const place = document.getElementById("announce");
  if (!place) return;
  const call = [...document.querySelectorAll("[data-call]")].find((c) => !rang.has(c.dataset.call));
  if (call) {
    place.textContent = call.dataset.said;
    return;
  }
  const come = [...document.querySelectorAll("article[data-direction=in]")].find((m) => !before.has(m.dataset.message));
  if (come) tellOf(come, `${place.dataset.message} ${come.dataset.who}`, place);
  else if (items !== listOf(document)) place.textContent = place.dataset.list;
}

// tellOf says that a message came, and where it is when it can't be seen.
function tellOf(message, words, place) {
  const news = document.getElementById("news");
  if (!news || onScreen(message)) {
    place.textContent = words;
    return;
  }
  const link = news.querySelector("a");
  link.textContent = words;
  link.href = "#" + message.id;
  link.onclick = () => (news.hidden = true);
  news.hidden = false;
}
