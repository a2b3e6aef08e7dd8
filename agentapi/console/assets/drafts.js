// What is being written on a ticket survives a lost session, a reload, a closed lid: until it is sent, or the tab is closed
// (sessionStorage ends with it, so nothing stays on a shared machine). A contact is about the person on the telephone: what is
// written of it survives a reload of its page and nothing else, so that the next caller's form never holds this one's data.
const CONTACT = "contact";

const key = (form) => "guichet.draft/" + form.dataset.draft;

const forget = (form) => sessionStorage.removeItem(key(form));

const fields = (form) => [...form.elements].filter((f) => f.name && f.matches("textarea, input[type=text], input:not([type]), input[type=tel], input[type=email]"));

// choices are what was chosen rather than typed: the channel, whom it goes to. Alone they are no draft.
const choices = (form) => [...form.elements].filter((f) => f.name && f.matches("select, input[type=radio]:checked"));

function choose(form, values) {
  for (const f of form.elements) {
    if (!(f.name in values)) continue;
    if (f.matches("input[type=radio]")) f.checked = f.value === values[f.name];
    else if (f.matches("select") && [...f.options].some((o) => o.value === values[f.name])) f.value = values[f.name];
  }
}

// What an action's confirmation says has arrived; its draft has done its work.
const arrived = { replied: "/reply", replied_later: "/reply", noted: "/note" };

// Whoever signs in after another agent's session has run out finds nothing of hers.
function disown() {
  const agent = document.body.dataset.agent;
  if (!agent) return;
  if ((sessionStorage.getItem("guichet.agent") ?? agent) !== agent) sessionStorage.clear();
  sessionStorage.setItem("guichet.agent", agent);
}

export function drafts() {
  disown();
  const done = arrived[document.querySelector("[data-done]")?.dataset.done];
  if (performance.getEntriesByType("navigation")[0]?.type !== "reload") sessionStorage.removeItem("guichet.draft/" + CONTACT);
  for (const form of document.querySelectorAll("form[data-draft]")) {
    if (done && form.dataset.draft.endsWith(done)) forget(form);
    else restore(form);
  }
  document.addEventListener("input", (e) => {
    const form = e.target.closest?.("form[data-draft]");
    if (!form) return;
    form.dataset.dirty = "";
    const values = {};
    for (const f of [...choices(form), ...fields(form)]) if (f.value) values[f.name] = f.value;
    sessionStorage.setItem(key(form), JSON.stringify(values));
  });
  document.addEventListener("submit", (e) => {
    // Whoever signs out leaves nothing to the next person at this machine.
    if (e.target.matches('form[action="/logout"]')) sessionStorage.clear();
    else if (e.target.dataset.draft === CONTACT) forget(e.target);
  });
  addEventListener("pageshow", (e) => { // a page some browsers kept whole for the back button
    if (e.persisted && document.querySelector(`form[data-draft=${CONTACT}]`)) location.reload();
  });
  document.addEventListener("click", (e) => {
    if (e.target.matches("[data-discard]")) discard(e.target.form);
  });
}

function restore(form) {
  if (form.querySelector("[name=attachment]") || fields(form).some((f) => f.matches("textarea, [name=cc]") && f.value)) form.dataset.dirty = ""; // it was refused and came back
  let values;
  try {
    values = JSON.parse(sessionStorage.getItem(key(form)) ?? "{}");
  } catch {
    return;
  }
  let found = false;
  for (const f of fields(form)) {
    if (values[f.name] && !f.value) {
      found = true;
      f.value = values[f.name];
      const folded = f.closest("details");
      if (folded) folded.open = true; // nobody is to be in copy unseen
      form.dataset.dirty = "";
      const said = form.querySelector(".restored");
      if (said) said.hidden = false;
    }
  }
  if (found && !new URLSearchParams(location.search).has("text")) choose(form, values); // an address with a number asks for a text message
}

// discard gives a form back as the server made it.
function discard(form) {
  forget(form);
  form.reset();
  delete form.dataset.dirty;
  form.querySelector(".restored").hidden = true;
  form.querySelector("textarea").focus();
}

// untouched tells whether a part of the page may be replaced without taking anything from whoever writes in it.
export function untouched(part) {
  if (part.querySelector("form[data-dirty], details.menu[open]")) return false;
  const focused = document.activeElement;
  return !(part.contains(focused) && focused.matches("input, textarea, select"));
}
