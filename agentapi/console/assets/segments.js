// How many text messages an answer takes, said while it is written. The server counts; without it, its refusal says how long it was.
const PAUSE = 300; // ms without a key before it is asked
const LONGEST = 5000; // characters the server counts; more are too many anyway

export function segments() {
  let timer = 0;
  let asked = 0;
  const ask = async (form) => {
    const line = form.querySelector(".segments");
    const text = form.querySelector("textarea").value;
    const turn = ++asked;
    if (!text.trim()) {
      write(line, line.dataset.empty);
      return;
    }
    const answer = await fetch("/api/v1/text-segments", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text: text.slice(0, LONGEST) }),
    });
    if (answer.ok && turn === asked) write(line, ...words(line.dataset, await answer.json()));
  };
  const soon = (form) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(form).catch(() => {}), PAUSE); // offline: the answer can't be sent either
  };
  const chosen = (form) => form?.querySelector(".segments") && form.querySelector("[name=channel][value=sms]:checked");
  for (const form of document.querySelectorAll(".reply-form")) if (chosen(form)) soon(form); // a draft that came back
  document.addEventListener("input", (e) => {
    const form = e.target.closest?.(".reply-form");
    if (!form) return;
    if (e.target.matches("[type=file]")) e.target.closest(".attach").classList.toggle("carries", e.target.files.length > 0);
    if (chosen(form)) soon(form);
  });
}

// words gives what the line says of what was counted, and whether it is too long.
function words(said, counted) {
  const fill = (words) => words.replace("{n}", counted.segments).replace("{left}", counted.left);
  if (counted.segments > Number(said.max)) return [fill(said.tooLong), true];
  const line = fill(counted.segments > 1 ? said.more : said.single);
  return [counted.encoding === "UCS-2" ? line + " · " + said.shorter : line, false];
}

function write(line, words, wrong = false) {
  line.textContent = words;
  line.classList.toggle("wrong", wrong);
}
