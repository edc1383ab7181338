// The upload of a file: it may be dropped anywhere on the page, is refused here when too large, and shows how far it is.
(() => {
  const form = () => document.getElementById("upload");
  const zone = () => form().querySelector(".dropzone");
  const input = () => zone().querySelector("input[type=file]");
  const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

  // The whole page is the target: a file that misses the field would otherwise replace the page.
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      const hasLeft = kind === "dragleave" && event.relatedTarget;
      zone().classList.toggle("is-over", kind === "dragenter" || kind === "dragover" || Boolean(hasLeft));
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }

  function take(files) {
    if (!files.length) return;
    const first = new DataTransfer();
    first.items.add(files[0]);
    input().files = first.files;
    input().dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("change", (event) => {
    if (event.target !== input()) return;
    const file = input().files[0];
    const isTooLarge = Boolean(file) && file.size > Number(zone().dataset.bytes);
    zone().querySelector("[data-too-large]").hidden = !isTooLarge;
    form().querySelector("[type=submit]").disabled = isTooLarge;
  });

  document.addEventListener("htmx:xhr:progress", (event) => {
    if (!event.detail.lengthComputable) return;
    form().querySelector("progress").value = event.detail.loaded / event.detail.total;
  });
  const show = (isSending) => {
    form().querySelector(".upload-progress").hidden = !isSending;
    form().querySelector(".form-actions > .form-hint").hidden = isSending;
  };
  document.addEventListener("htmx:beforeRequest", () => show(true));
  document.addEventListener("htmx:sendError", () => show(false));
  document.addEventListener("htmx:responseError", () => show(false));
  // The form came back with errors: the first of them is what to look at.
  document.addEventListener("htmx:afterSettle", () => {
    form().querySelector(".has-error input, .has-error select")?.focus();
  });
})();
