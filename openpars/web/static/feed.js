// SPDX-License-Identifier: Apache-2.0
// The recipient's live feed: Server-Sent Events from /v1/alerts, shown as text, never as markup.
"use strict";

(() => {
  const KINDS = {
    "org.openpars.share.appeared": ["appeared", "Appeared"],
    "org.openpars.share.changed": ["changed", "Changed"],
    "org.openpars.share.withdrawn": ["withdrawn", "Withdrawn"],
  };
  const HIDDEN = new Set(["id", "why"]);
  const words = (name) => name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase());

  function name(value) {
    return [[value.first, value.middle].filter(Boolean).join(" "), [value.last, value.suffix].filter(Boolean).join(" ")].filter(Boolean).join(" ");
  }
  function show(key, value) {
    if (value === null || value === undefined) return "";
    if (Array.isArray(value)) return value.map((v) => show("", v)).join("; ");
    if (typeof value === "object") {
      if ("last" in value) return name(value);
      if ("text" in value) return [value.text, value.grade, value.stage].filter(Boolean).join(", ");
      return Object.entries(value).filter(([, v]) => v !== null).map(([k, v]) => `${k.replaceAll("_", " ")} ${show(k, v)}`).join(", ");
    }
    if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return when(value);
    return String(value);
  }
  function when(text) {
    return new Date(text).toLocaleString("en-US", { timeZone: "America/New_York", dateStyle: "medium", timeStyle: "medium", timeZoneName: undefined }) + " " +
      new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", timeZoneName: "short" }).formatToParts(new Date(text)).find((p) => p.type === "timeZoneName").value;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const feed = document.getElementById("feed");
    if (!feed) return;
    const status = feed.querySelector("[data-status]");
    const live = document.getElementById("feed-status");
    const list = document.getElementById("feed-list");
    const empty = document.getElementById("feed-empty");
    const template = document.getElementById("feed-item");
    const seen = new Set();

    function add(message) {
      const event = JSON.parse(message.data);
      if (event.type === "org.openpars.agreement.ended") return over(event);
      const kind = KINDS[event.type];
      if (!kind || seen.has(event.id)) return;
      seen.add(event.id);
      const item = template.content.cloneNode(true);
      const data = event.data || {};
      const box = item.querySelector("li");
      box.classList.add(`op-feed__item--${kind[0]}`);
      const tag = item.querySelector("[data-kind]");
      tag.textContent = kind[1];
      tag.classList.add(`op-tag--${kind[0]}`);
      item.querySelector("[data-title]").textContent = data.name ? show("name", data.name) : `Record ${String(data.id || "").slice(0, 8)}`;
      const time = item.querySelector("[data-time]");
      time.dateTime = event.time || "";
      time.textContent = event.time ? when(event.time) : "";
      const facts = item.querySelector("[data-facts]");
      for (const [key, value] of Object.entries(data)) {
        if (HIDDEN.has(key) || key === "name") continue;
        const text = show(key, value);
        if (!text) continue;
        const row = document.createElement("div");
        const dt = document.createElement("dt");
        const dd = document.createElement("dd");
        dt.textContent = words(key);
        dd.textContent = text;
        row.append(dt, dd);
        facts.append(row);
      }
      if (!facts.children.length) facts.remove();
      const why = data.why || {};
      item.querySelector("[data-why]").textContent = kind[0] === "withdrawn"
        ? "No longer granted. Destroy what you hold of it as your agreement says."
        : `Why you were told: purpose ${why.purpose || "not said"}, agreement ${why.agreement || "not said"}.`;
      empty.hidden = true;
      list.prepend(item);
      while (list.children.length > 200) list.lastElementChild.remove();
    }
    let source = null;
    function over() {
      if (source) source.close();
      live.classList.add("op-live--off");
      status.textContent = "The agreement has ended. This feed is closed.";
      setTimeout(() => location.assign("/recipient"), 2500);
    }
    source = new EventSource(feed.dataset.source);
    source.onopen = () => { live.classList.remove("op-live--off"); status.textContent = "Listening. What your agreement grants shows here as it happens."; };
    source.onerror = () => {
      live.classList.add("op-live--off");
      status.textContent = source.readyState === EventSource.CLOSED
        ? "The feed is closed. Reload the page to see why."
        : "The line broke. Connecting again; nothing is lost.";
    };
    source.onmessage = add;
    for (const type of [...Object.keys(KINDS), "org.openpars.agreement.ended"]) source.addEventListener(type, add);
  });
})();
