// Menus are <details>. They close on Escape and when one clicks elsewhere, and what they hold gets the focus when they open.
export function menus() {
  const open = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (e) => {
    for (const menu of open()) if (!menu.contains(e.target)) menu.open = false;
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("toggle", (e) => {
    const menu = e.target;
    if (!menu.matches?.("details.menu[open]") || !menu.contains(document.activeElement)) return;
    menu.querySelector("select, textarea, input:not([type=hidden])")?.focus();
  }, true);
  // The confirmation of an action is not one of the next visit.
  if (document.querySelector("[data-done]")) {
    const here = new URL(location.href);
    here.searchParams.delete("done");
    here.searchParams.delete("ref");
    history.replaceState(null, "", here);
  }
}
