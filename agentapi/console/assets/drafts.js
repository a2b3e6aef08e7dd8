// What is being written survives a lost session, a reload, a closed lid: until it is sent, or the tab is closed (sessionStorage
// ends with it, so nothing stays on a shared machine).
const key = (form) => "guichet.draft/" + form.dataset.draft;

const fields = (form) => [...form.elements].filter((f) => f.name && f.matches("textarea, input[type=text], input:not([type]), input[type=tel], input[type=email]"));

// What an action's confirmation says has arrived; its draft has done its work.
const arrived = { replied: "/reply", noted: "/note", logged: "contact", logged_answered: "contact" };

export function drafts() {
  const done = arrived[document.querySelector("[data-done]")?.dataset.done];
  if (done === "contact") sessionStorage.removeItem("guichet.draft/contact");
  for (const form of document.querySelectorAll("form[data-draft]")) {
    if (done && form.dataset.draft.endsWith(done)) sessionStorage.removeItem(key(form));
    else restore(form);
  }
  document.addEventListener("input", (e) => {
    const form = e.target.closest?.("form[data-draft]");
    if (!form) return;
    form.dataset.dirty = "";
    const values = {};
    for (const f of fields(form)) if (f.value) values[f.name] = f.value;
    sessionStorage.setItem(key(form), JSON.stringify(values));
  });
  // Whoever signs out leaves nothing to the next person at this machine.
  document.addEventListener("submit", (e) => {
    if (e.target.matches('form[action="/logout"]')) sessionStorage.clear();
  });
}

function restore(form) {
  let values;
  try {
    values = JSON.parse(sessionStorage.getItem(key(form)) ?? "{}");
  } catch {
    return;
  }
  for (const f of fields(form)) {
    if (values[f.name] && !f.value) {
      f.value = values[f.name];
      form.dataset.dirty = "";
    }
  }
}

// untouched tells whether a part of the page may be replaced without taking anything from whoever writes in it.
export function untouched(part) {
  if (part.querySelector("form[data-dirty], details.menu[open]")) return false;
  const focused = document.activeElement;
  return !(part.contains(focused) && focused.matches("input, textarea, select"));
}
