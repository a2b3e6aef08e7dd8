// One-key shortcuts. Never while typing, and not at all when they are switched off (WCAG 2.1.4).
const STORED = "guichet.shortcuts";

const on = () => localStorage.getItem(STORED) !== "off";

const typing = (el) => el.isContentEditable || el.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");

export function keys() {
  const help = document.getElementById("help");
  const opener = document.querySelector(".help-open");
  if (opener && help) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }
  const box = document.getElementById("shortcuts");
  const show = () => document.documentElement.classList.toggle("keys-on", on());
  if (box) {
    box.checked = on();
    box.addEventListener("change", () => {
      localStorage.setItem(STORED, box.checked ? "on" : "off");
      show();
    });
  }
  show();
  let going = 0;
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === "Enter" && e.target.matches("textarea")) {
      e.target.form?.requestSubmit();
      return;
    }
    if (e.key === "Enter" && e.target.dataset?.enter) { // the button that Enter presses in this field, when it is not the form's own
      act(e, () => e.target.form.requestSubmit(document.getElementById(e.target.dataset.enter)));
      return;
    }
    if (e.key === "Escape" && typing(e.target) && !help?.open) e.target.blur(); // the shortcuts are back
    if (!on() || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || typing(e.target) || help?.open) return;
    if (going && Date.now() - going < 1500) {
      going = 0;
      const link = document.querySelector(`nav [data-go="${CSS.escape(e.key)}"]`);
      if (link) act(e, () => link.click());
      return;
    }
    going = 0;
    if (e.key === "g") going = Date.now();
    else if (e.key === "j") act(e, () => move(1));
    else if (e.key === "k") act(e, () => move(-1));
    else if (e.key === "t") act(e, takeNext);
    else if (e.key === "c") act(e, openCall);
    else shortcut(e);
  });
}

function act(e, what) {
  e.preventDefault();
  what();
}

function shortcut(e) {
  const target = document.querySelector(`[data-shortcut="${CSS.escape(e.key)}"]`);
  if (!target || target.hidden) return;
  e.preventDefault();
  if (target.matches("a, button")) {
    target.click();
    return;
  }
  if (target.matches("details")) {
    target.open = true;
    target.querySelector("select")?.focus();
    return;
  }
  const tab = document.getElementById(target.id === "note-text" ? "tab-note" : "tab-reply");
  if (tab && target.id !== "q") tab.checked = true;
  target.focus();
  target.select?.();
  if (target.matches("textarea")) target.setSelectionRange(target.value.length, target.value.length);
}

// openCall opens the contact page for the nearest of the calls under way.
function openCall() {
  document.querySelector("[data-open-call]")?.click();
}

function takeNext() {
  const form = document.querySelector('form[action="/queue/next"]');
  if (form) {
    form.requestSubmit();
    return;
  }
  const made = document.createElement("form");
  made.method = "post";
  made.action = "/queue/next";
  document.body.append(made);
  made.submit();
}

// move opens the neighbour of the ticket that is open, or walks the list when none is.
function move(step) {
  const items = [...document.querySelectorAll(".list .item")];
  if (!items.length) return;
  const focused = items.indexOf(document.activeElement);
  const here = items.findIndex((item) => item.classList.contains("here"));
  if (focused < 0 && here >= 0) {
    items[here + step]?.click();
    return;
  }
  const next = focused < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, focused + step));
  items[next].focus();
}
