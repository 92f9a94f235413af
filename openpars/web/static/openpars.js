// SPDX-License-Identifier: Apache-2.0
// Small helps for pages that work without them: countdowns, rows of a form, the statute look-up.
// Nothing here ever turns a value into markup: text goes in by textContent only.
"use strict";

(() => {
  const lang = document.documentElement.lang;
  const unit = (n, one, many) => `${n} ${n === 1 ? one : many}`;

  // The same words as the server's (`times.span`).
  function span(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    const day = lang === "es" ? ["día", "días"] : ["day", "days"];
    const year = lang === "es" ? ["año", "años"] : ["year", "years"];
    const days = Math.floor(s / 86400);
    const parts = days >= 731
      ? [[Math.floor((days * 4) / 1461), ...year]]
      : days >= 60
      ? [[days, ...day]]
      : s >= 259200
      ? [[Math.floor(s / 86400), ...day], [Math.floor(s / 3600) % 24, "h", "h"]]
        : s >= 3600
          ? [[Math.floor(s / 3600), "h", "h"], [Math.floor(s / 60) % 60, "min", "min"]]
          : s >= 60
            ? [[Math.floor(s / 60), "min", "min"], [s % 60, "s", "s"]]
            : [[s, "s", "s"]];
    return parts.filter(([n], i) => i === 0 || n > 0).map((p) => unit(...p)).join(" ");
  }

  function tick() {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      const left = (Date.parse(element.dataset.countdown) - Date.now()) / 1000;
      element.textContent = element.dataset.template.replace("%", span(left));
      if (left <= 0 && !element.dataset.over) {
        // The page said "ends in": once that is false, show what the server says now.
        element.dataset.over = "yes";
        setTimeout(() => location.reload(), 1200);
      }
    }
  }

  function addRow(kind) {
    const holder = document.querySelector(`[data-rows="${kind}"]`);
    const rows = holder.querySelectorAll("[data-row]");
    const next = rows.length + 1;
    if (next > Number(holder.dataset.max)) return;
    const row = rows[rows.length - 1].cloneNode(true);
    const from = `${kind}-${rows.length}-`;
    const to = `${kind}-${next}-`;
    row.querySelector("legend").textContent = row.querySelector("legend").textContent.replace(/\d+$/, String(next));
    for (const dead of row.querySelectorAll(".usa-error-message, .op-listbox, .op-row__note, .usa-hint:not(abbr)")) dead.remove();
    for (const element of row.querySelectorAll("*")) {
      element.classList.remove("usa-form-group--error", "usa-input--error");
      for (const name of ["id", "for", "name"]) {
        const value = element.getAttribute(name);
        if (value && value.startsWith(from)) element.setAttribute(name, to + value.slice(from.length));
      }
      for (const name of ["aria-invalid", "aria-describedby", "aria-required", "data-ready"]) element.removeAttribute(name);
      if (element.tagName === "ABBR") element.remove();
    }
    for (const input of row.querySelectorAll("input")) input.value = "";
    for (const select of row.querySelectorAll("select")) select.selectedIndex = 0;
    holder.append(row);
    lookups(row);
    row.querySelector("input, select").focus();
  }

  // A typed look-up in a list (WAI-ARIA combobox). What is typed always stays typed: the server
  // accepts loose words too, so the list is a help and never a gate.
  const tables = {};
  async function known(kind) {
    if (!tables[kind]) {
      const answer = await fetch(`/desk/police/${kind}`, { headers: { Accept: "application/json" } });
      tables[kind] = answer.ok ? (await answer.json()).map(([code, text]) => ({ code, text, flat: flat(code), words: text.toLowerCase() })) : [];
    }
    return tables[kind];
  }
  const flat = (text) => text.toLowerCase().replace(/[^a-z0-9.]/g, "");

  function find(list, typed) {
    const asFlat = flat(typed);
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const byCode = /\d/.test(asFlat) || typed.length === 3
      ? list.filter((s) => s.flat.startsWith(asFlat) || s.flat.replace(/^\d\d/, "").startsWith(asFlat))
      : [];
    const byWord = list.filter((s) => words.every((w) => s.words.includes(w)));
    return [...new Set([...byCode, ...byWord])].slice(0, 12);
  }

  function lookup(input) {
    if (input.dataset.ready) return;
    input.dataset.ready = "yes";
    const kind = input.closest(".op-lookup--countries") ? "countries" : "statutes";
    const box = document.createElement("ul");
    box.className = "op-listbox";
    box.id = `${input.id}-list`;
    box.hidden = true;
    box.setAttribute("role", "listbox");
    box.setAttribute("aria-label", kind === "countries" ? "Countries" : "Statutes");
    input.after(box);
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", box.id], ["aria-autocomplete", "list"]]) input.setAttribute(name, value);
    let active = -1;

    function close() {
      box.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }
    function mark(index) {
      const options = box.children;
      if (options.length === 0) return;
      active = (index + options.length) % options.length;
      for (let i = 0; i < options.length; i += 1) options[i].setAttribute("aria-selected", String(i === active));
      input.setAttribute("aria-activedescendant", options[active].id);
      options[active].scrollIntoView({ block: "nearest" });
    }
    function take(option) {
      input.value = kind === "countries" ? option.dataset.text : option.dataset.code;
      if (kind === "countries") return close();
      const row = input.closest("[data-row]");
      let note = row.querySelector(".op-row__note");
      if (!note) {
        note = document.createElement("p");
        note.className = "op-row__note";
        note.setAttribute("role", "status");
        row.append(note);
      }
      note.textContent = option.dataset.text;
      close();
    }
    input.addEventListener("input", async () => {
      const typed = input.value.trim();
      if (typed.length < 2) return close();
      const found = find(await known(kind), typed);
      if (input.value.trim() !== typed) return;
      box.replaceChildren(...found.map((s, i) => {
        const option = document.createElement("li");
        const code = document.createElement("strong");
        const text = document.createElement("span");
        option.id = `${box.id}-${i}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.code = s.code;
        option.dataset.text = s.text;
        code.textContent = s.code;
        text.className = "op-quiet";
        text.textContent = ` ${s.text}`;
        option.append(code, text);
        return option;
      }));
      active = -1;
      box.hidden = found.length === 0;
      input.setAttribute("aria-expanded", String(found.length > 0));
    });
    input.addEventListener("keydown", (event) => {
      if (box.hidden) return;
      if (event.key === "ArrowDown") { event.preventDefault(); mark(active + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); mark(active < 0 ? -1 : active - 1); }
      else if (event.key === "Enter" && active >= 0) { event.preventDefault(); take(box.children[active]); }
      else if (event.key === "Tab" && active >= 0) take(box.children[active]);
      else if (event.key === "Escape") { event.preventDefault(); close(); }
    });
    input.addEventListener("blur", () => setTimeout(close, 150));
    box.addEventListener("mousedown", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) { event.preventDefault(); take(option); }
    });
  }
  function lookups(root) {
    for (const input of root.querySelectorAll(".op-lookup input")) lookup(input);
  }

  document.addEventListener("click", (event) => {
    const more = event.target.closest("[data-more]");
    if (more) { event.preventDefault(); addRow(more.dataset.more); }
    const toField = event.target.closest(".op-errors a");
    if (toField) {
      const target = document.getElementById(toField.hash.slice(1));
      const input = target && (target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea"));
      if (input) { event.preventDefault(); input.focus(); }
    }
  });

  // A list made shorter by what is typed above it. Each word must fit: the beginning of a name, a district
  // (one or two digits), or a part of a DC number. It only hides; the list goes on renewing itself.
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  function fits(row, word) {
    if (/^\d{1,2}$/.test(word)) return Number(row.dataset.district) === Number(word) && row.dataset.district !== "";
    if (/^\d+$/.test(word)) return row.dataset.dc.includes(word);
    return plain(row.dataset.name).split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word));
  }
  function narrow() {
    const input = document.querySelector("[data-filter]");
    if (!input) return;
    input.parentElement.hidden = false;
    const words = plain(input.value).split(/[^\p{L}\p{N}]+/u).filter((word) => word && word !== "district" && word !== "dc");
    const rows = [...document.querySelectorAll("#queue [id^=row-]")];
    for (const row of rows) row.hidden = !words.every((word) => fits(row, word));
    const shown = rows.filter((row) => !row.hidden).length;
    const said = words.length === 0 ? "" : shown === 0 ? `None of the ${rows.length} in this list fits. Escape shows all.` : `${shown} of ${rows.length} shown. Escape shows all.`;
    const count = document.getElementById("filter-count");
    // A renewal that changes nothing must not be read aloud again.
    if (count.textContent !== said) count.textContent = said;
  }
  document.addEventListener("input", (event) => { if (event.target.matches("[data-filter]")) narrow(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("[data-filter]")) { event.target.value = ""; narrow(); }
  });

  let before = null;
  // A list that renews itself must not take away what the reader is standing on.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const standing = document.activeElement && document.activeElement.closest("#queue [id^=row-]");
    if (standing) document.documentElement.dataset.standing = standing.id;
    before = new Map([...document.querySelectorAll("#queue [id^=row-]")].map((r) => [r.id, r.querySelector("th a")]));
    if (event.detail.xhr.status >= 400) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSettle", () => {
    narrow();
    const { standing } = document.documentElement.dataset;
    if (standing) {
      const link = document.querySelector(`#${CSS.escape(standing)} a`);
      if (link) link.focus();
      delete document.documentElement.dataset.standing;
    }
    if (before === null) return;
    const now = new Set();
    for (const row of document.querySelectorAll("#queue [id^=row-]")) {
      now.add(row.id);
      if (!before.has(row.id)) row.classList.add("op-new");
    }
    // Somebody who leaves the custody list is free to go: that must not happen in silence.
    const gone = document.querySelector("#queue[data-gone]:not([data-gone=''])");
    for (const [id, link] of before) {
      if (!gone || !link || now.has(id)) continue;
      const line = document.createElement("p");
      const file = document.createElement("a");
      line.className = "op-gone";
      line.textContent = `${gone.dataset.gone}: `;
      file.href = link.getAttribute("href");
      file.textContent = link.textContent;
      line.append(file);
      document.getElementById("gone").prepend(line);
    }
    before = null;
  });

  document.addEventListener("DOMContentLoaded", () => {
    tick();
    setInterval(tick, 1000);
    lookups(document);
    narrow();
    const first = document.querySelector("[data-focus]") || document.querySelector("form[data-book] input[name=dc_number]");
    if (first) first.focus();
  });
})();
