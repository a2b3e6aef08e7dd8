// What is being written survives a lost session, a reload, a closed lid: until it is sent, or the tab is closed (sessionStorage
// ends with it, so nothing stays on a shared machine).
const key = (form) => "guichet.draft/" + form.dataset.draft;

const fields = (form) => [...form.elements].filter((f) => f.name && f.matches("textarea, input[type=text], input:not([type]), input[type=tel], input[type=email]"));

export function drafts() {
  const done = document.querySelector("[data-done]");
  for (const form of document.querySelectorAll("form[data-draft]")) restore(form, done);
  if (done) sessionStorage.removeItem("guichet.draft/contact");
  document.addEventListener("input", (e) => {
    const form = e.target.closest?.("form[data-draft]");
    if (!form) return;
    form.dataset.dirty = "";
    const values = {};
    for (const f of fields(form)) if (f.value) values[f.name] = f.value;
    sessionStorage.setItem(key(form), JSON.stringify(values));
  });
  // Sent: the answer will either be there, or come back in the form.
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.matches("form[data-draft]")) form.dataset.sent = "";
  });
}

function restore(form, done) {
  if (done) {
    sessionStorage.removeItem(key(form));
    return;
  }
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
