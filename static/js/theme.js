// Sets light or dark before the first paint; runs in the head, so it touches nothing but the root element.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system"; // Storage is switched off: the choice then lasts for this page only.
    }
  };
  const apply = (choice) => {
    const theme = choice === "system" ? (system.matches ? "dark" : "light") : choice;
    root.dataset.bsTheme = theme;
    root.dataset.themeChoice = choice;
    root.dispatchEvent(new CustomEvent("themechange"));
  };
  window.zusageTheme = {
    chosen,
    choose(choice) {
      try {
        localStorage.setItem("theme", choice);
      } catch {
        // As above.
      }
      apply(choice);
    },
  };
  root.classList.add("js");
  system.addEventListener("change", () => chosen() === "system" && apply("system"));
  apply(chosen());
})();
