// The button that prints a page, in the place of the words that say how to.
export function printing() {
  const button = document.querySelector("[data-print]");
  if (!button) return;
  button.hidden = false;
  document.querySelector("[data-print-hint]").hidden = true;
  button.addEventListener("click", () => print());
}
