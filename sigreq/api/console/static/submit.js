// A new case: files are dropped or chosen, the database version is checked before a byte is sent, and what is sent is
// shown. Nothing here is needed: without it the same form is sent by the browser itself.

const form = document.getElementById("submission");
const input = form.elements.file;
const words = document.getElementById("words").dataset;
const part = (id) => document.getElementById(id);
const zone = part("drop");
let chosen = [];
let asked = 0;
let request = null;

/** Fills the places #1 and #2 of a text. */
const told = (text, ...values) => values.reduce((said, value, at) => said.replaceAll(`#${at + 1}`, value), text);

function size(bytes) {
  if (bytes < 1024) return told(words.bytes, bytes);
  const [bits, unit] = [[30, "GiB"], [20, "MiB"], [10, "KiB"]].find(([each]) => bytes >= 2 ** each);
  return `${(bytes / 2 ** bits).toFixed(1)} ${unit}`;
}

// --- files

const total = () => chosen.reduce((sum, file) => sum + file.size, 0);
const isSame = (one, other) =>
  one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;

function choose(files) {
  const fresh = files.filter((file) => !chosen.some((known) => isSame(known, file)));
  keep([...chosen, ...fresh]);
}

/** The form's own field holds the same files, so that its rules hold and it can be sent in any way. */
function keep(files) {
  chosen = files;
  const held = new DataTransfer();
  for (const file of chosen) held.items.add(file);
  input.files = held.files;
  part("chosen").replaceChildren(...chosen.map(entry));
  part("chosen").hidden = chosen.length === 0;
  say(tooMuch());
}

function entry(file) {
  const line = document.createElement("li");
  const name = document.createElement("span");
  const button = document.createElement("button");
  name.className = "name";
  name.textContent = file.name;
  button.type = "button";
  button.className = "quiet";
  button.textContent = "×";
  button.setAttribute("aria-label", told(words.remove, file.name));
  button.addEventListener("click", () => {
    keep(chosen.filter((each) => each !== file));
    input.focus();
  });
  line.append(name, ` ${size(file.size)} `, button);
  return line;
}

function tooMuch() {
  if (chosen.length > Number(form.dataset.most)) return told(words.many, form.dataset.most);
  return total() > Number(form.dataset.mostBytes) ? told(words.large, form.dataset.sizeLimit) : "";
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
input.addEventListener("change", () => choose([...input.files]));
document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault(); // else a file that misses the field takes the place of the page
  event.dataTransfer.dropEffect = zone.contains(event.target) ? "copy" : "none";
  zone.classList.toggle("over", zone.contains(event.target));
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) zone.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  zone.classList.remove("over");
  if (zone.contains(event.target) && !request) choose([...event.dataTransfer.files]);
});

// --- the database version

/** What the server says of the version in the form; null where it cannot be asked: then it judges the upload. */
async function check() {
  const about = new URLSearchParams();
  for (const name of ["product", "database_version"]) about.set(name, form.elements[name].value);
  if (!about.get("database_version").trim()) {
    part("database").replaceChildren();
    return null;
  }
  const number = ++asked;
  const answer = await fetch(`${form.dataset.check}?${about}`).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (number === asked) part("database").replaceChildren(...page.body.children);
  return part("database").querySelector("[data-verdict]");
}

let pause = 0;
form.elements.database_version.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(check, 400);
});
form.elements.product.addEventListener("change", check);

// --- the upload

function say(text) {
  part("refused").textContent = text;
  part("refused").hidden = !text;
}

function refuse(text) {
  say(text);
  part("refused").focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (request) return;
  say(tooMuch());
  if (tooMuch()) return;
  request = new XMLHttpRequest();
  part("send").disabled = true;
  clearTimeout(pause);
  if (isForeign) await renew();
  const verdict = await check();
  if (verdict && !verdict.classList.contains("fine")) {
    end();
    form.elements.database_version.focus();
    return;
  }
  send(request);
});

function send(upload) {
  const body = new FormData(form);
  upload.upload.addEventListener("progress", (event) => show(event.loaded, event.total));
  upload.addEventListener("load", () => arrive(upload));
  upload.addEventListener("error", () => fail(words.broken));
  upload.addEventListener("timeout", () => fail(words.broken));
  upload.addEventListener("abort", () => fail(words.stopped));
  upload.open("POST", form.action);
  part("upload").hidden = false;
  show(0, total());
  upload.send(body);
}

let shown = -1;
function show(sent, all) {
  const percent = all ? Math.floor((100 * sent) / all) : 0;
  part("progress").value = percent;
  const tens = Math.floor(percent / 10); // who hears the page instead of seeing it is not told each percent
  if (tens === shown) return;
  shown = tens;
  part("sent").textContent = percent === 100 ? words.arrived : told(words.sent, size(sent), size(all));
}

function end() {
  request = null;
  shown = -1;
  part("upload").hidden = true;
  part("send").disabled = false;
}

function fail(text) {
  end();
  part("send").textContent = words.again;
  refuse(text);
}

let isForeign = false;
/** The form carries a mark of the session; somebody who had to sign in anew has another one. */
async function renew() {
  const answer = await fetch(form.action).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  form.elements.form_token.value = page.querySelector("#submission [name=form_token]").value;
  isForeign = false;
}

/** To the case that was made; what was refused is told here, where the files still are. */
function arrive(upload) {
  const { pathname } = new URL(upload.responseURL);
  if (upload.status === 200 && pathname.startsWith("/portal/SR-")) {
    location.assign(upload.responseURL);
    return;
  }
  if (pathname === "/sign-in") {
    isForeign = true;
    fail(words.signedOut);
    return;
  }
  const page = new DOMParser().parseFromString(upload.responseText, "text/html");
  const why = page.querySelector(".problem")?.textContent.trim();
  end();
  refuse(why || words.broken);
  if (why) check();
}

part("cancel").addEventListener("click", () => request?.abort());
part("check").hidden = true;
part("drop").querySelector(".dropping").hidden = false;
if (form.elements.database_version.value) check();
