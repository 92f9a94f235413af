// SPDX-License-Identifier: Apache-2.0
// Small helps for the editor of agreements: line numbers, and from a fault to its line. The page works without.
"use strict";

(() => {
  document.addEventListener("DOMContentLoaded", () => {
    const text = document.getElementById("text");
    if (!text) return;
    const gutter = document.createElement("pre");
    gutter.className = "op-editor__gutter op-mono";
    gutter.setAttribute("aria-hidden", "true");
    text.before(gutter);
    text.closest("[data-editor]").classList.add("op-editor__box--numbered");

    let shown = 0;
    function number() {
      const lines = text.value.split("\n").length;
      if (lines !== shown) {
        shown = lines;
        gutter.textContent = Array.from({ length: lines }, (_, i) => i + 1).join("\n");
      }
      gutter.scrollTop = text.scrollTop;
    }
    text.addEventListener("input", number);
    text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
    number();

    // A fault's link: the cursor goes to its line, the whole line is marked, and it is in sight.
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-line]");
      if (!link) return;
      event.preventDefault();
      const lines = text.value.split("\n");
      const line = Math.min(Math.max(1, Number(link.dataset.line)), lines.length);
      const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
      text.focus();
      text.setSelectionRange(start, start + lines[line - 1].length);
      const height = text.scrollHeight / lines.length;
      text.scrollTop = Math.max(0, (line - 1) * height - text.clientHeight / 3);
      text.scrollLeft = 0;
      text.scrollIntoView({ block: "nearest" });
    });

    const wait = document.getElementById("wait");
    document.addEventListener("htmx:afterRequest", (event) => {
      wait.textContent = event.detail.successful ? "" : wait.dataset.busy;
    });
  });
})();
