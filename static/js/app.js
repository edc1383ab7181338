// What every page does: menus, navigation on phones, confirmation, notices, autosave state. No framework needed.
const byId = (id) => document.getElementById(id);

// Menus are <details>: they open without this script; it closes them on Escape and outside clicks.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

const toggle = document.querySelector(".nav-toggle");
toggle?.addEventListener("click", () => {
  const isOpen = document.body.classList.toggle("nav-open");
  toggle.setAttribute("aria-expanded", String(isOpen));
});

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === window.zusageTheme.chosen()));
  }
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-switch] button");
  if (!button) return;
  window.zusageTheme.choose(button.value);
  showTheme();
});
showTheme();

// <form data-confirm="question" data-confirm-yes="label"> asks before it is sent; without this script a page asks.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.confirm || form.elements.confirmed) return;
  event.preventDefault();
  const dialog = byId("confirm");
  byId("confirm-title").textContent = form.dataset.confirmTitle || "";
  byId("confirm-text").textContent = form.dataset.confirm;
  byId("confirm-yes").textContent = form.dataset.confirmYes;
  byId("confirm-yes").className = `btn ${form.dataset.confirmTone || "btn-danger"}`;
  dialog.returnValue = "no";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      // A poll that was under way when the question opened has replaced the form; the button's id finds the new one.
      const button = byId(event.submitter.id) ?? event.submitter;
      const yes = Object.assign(document.createElement("input"), { type: "hidden", name: "confirmed", value: "1" });
      button.form.append(yes);
      button.form.requestSubmit(button);
    },
    { once: true },
  );
  dialog.showModal();
});

// Polls replace what they show. An open question or definition waits for its answer; focus and open tables are kept.
document.addEventListener("htmx:beforeRequest", (event) => {
  const isAsked = byId("confirm").open || document.querySelector("[popover]:popover-open");
  if (isAsked && event.detail.requestConfig.verb === "get") event.preventDefault();
});
const FOCUSABLE = "a[href], button, summary, input, select, [tabindex]";
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  const isInside = target.contains(document.activeElement) && !document.activeElement.id;
  kept = {
    id: target.id,
    focus: isInside ? [...target.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement) : -1,
    open: [...target.querySelectorAll("details")].map((details) => details.open),
  };
});
document.addEventListener("htmx:afterSettle", () => {
  const target = kept && byId(kept.id);
  if (!target) return;
  target.querySelectorAll("details").forEach((details, index) => {
    if (kept.open[index]) details.open = true;
  });
  if (kept.focus >= 0) target.querySelectorAll(FOCUSABLE)[kept.focus]?.focus({ preventScroll: true });
  kept = null;
});

// Definitions open beside their button, where the browser cannot anchor them by itself.
document.addEventListener(
  "toggle",
  (event) => {
    const hint = event.target;
    if (!(hint instanceof HTMLElement) || !hint.matches("[popover].hint-text") || event.newState !== "open") return;
    const button = document.querySelector(`[popovertarget="${hint.id}"]`).getBoundingClientRect();
    const left = Math.min(Math.max(8, button.left - 12), window.innerWidth - hint.offsetWidth - 8);
    const below = button.bottom + 6 + hint.offsetHeight < window.innerHeight;
    hint.style.left = `${left}px`;
    hint.style.top = `${below ? button.bottom + 6 : button.top - hint.offsetHeight - 6}px`;
  },
  true,
);

function notify(text) {
  const toast = document.createElement("div");
  toast.className = "toast-note";
  toast.textContent = text;
  byId("toasts").append(toast);
  setTimeout(() => toast.remove(), 6000);
}
document.addEventListener("htmx:sendError", () => notify(byId("toasts").dataset.offline));
document.addEventListener("htmx:responseError", (event) => {
  // 422 carries the form with its errors, so it is swapped in instead of reported.
  if (event.detail.xhr.status !== 422) notify(byId("toasts").dataset.failed);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// Counters that poll speak at most every ten seconds: <div data-announce="text">; the end (data-announce-now) at once.
let lastSpoken = 0;
document.addEventListener("htmx:afterSwap", () => {
  const source = document.querySelector("[data-announce]");
  const now = Date.now();
  if (!source || (now - lastSpoken < 10000 && !("announceNow" in source.dataset))) return;
  lastSpoken = now;
  byId("announcer").textContent = source.dataset.announce;
});

// Long choices get a filter: <input data-filter="#id"> hides the entries whose text does not contain it.
document.addEventListener("input", (event) => {
  const target = event.target.dataset?.filter;
  if (!target) return;
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const entry of document.querySelectorAll(`${target} [data-entry]`)) {
    entry.hidden = !entry.textContent.toLocaleLowerCase().includes(wanted);
  }
});

document.addEventListener("alpine:init", () => {
  // Shows what belongs to the chosen option: a variable's text or fallback, an attribute's name, sending now or later.
  window.Alpine.data("choice", () => ({
    value: "",
    init() {
      const input = this.$root.querySelector("[data-choice]:checked, select[data-choice]");
      this.value = input ? input.value : "";
    },
    pick(event) {
      if (event.target.matches("[data-choice]")) this.value = event.target.value;
    },
    get isText() {
      return this.value === "text";
    },
    get isAttribute() {
      return this.value === "attribute:";
    },
    get isOther() {
      return this.value !== "text" && this.value !== "own_page";
    },
    get isNow() {
      return this.value !== "later";
    },
    get isLater() {
      return this.value === "later";
    },
  }));
});
