(function () {
  var tag = document.currentScript;
  var link = document.createElement("a");
  link.href = "{{ url|escapejs }}";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = tag.getAttribute("data-label") || "{{ headline|escapejs }}";
  // A label of the shop's own is in the language of its page.
  if (!tag.getAttribute("data-label")) link.lang = "{{ language|escapejs }}";
  // Not as an attribute: a shop's Content Security Policy may forbid those.
  link.style.cssText = "display:inline-block;padding:.75em 1.25em;border-radius:.5em;font:600 1em/1.2 system-ui,sans-serif;text-decoration:none;background:{{ colour|escapejs }};color:{{ ink|escapejs }}";
  tag.parentNode.insertBefore(link, tag.nextSibling);
})();
