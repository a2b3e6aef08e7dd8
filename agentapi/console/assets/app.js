// Everything works without these modules; with them the pages follow what happens and the keyboard is enough.
import { keys } from "./keys.js";
import { live } from "./live.js";
import { drafts } from "./drafts.js";
import { menus } from "./menus.js";
import { segments } from "./segments.js";
import { printing } from "./print.js";
import { opening } from "./scroll.js";

menus();
drafts();
keys();
opening();
segments();
printing();
if (document.querySelector("[data-live]")) live();
