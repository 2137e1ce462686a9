// Sorting, the theme, and the receipt behind every number. All text goes through textContent: nothing here is markup.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const slip = document.getElementById("slip"), tip = document.getElementById("tip");
  let opener = null, waiting = 0;

  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const short = (text) => (text.length > 20 ? text.slice(0, 12) + "…" : text);
  const full = (value) => (value === null || value === undefined ? "undefined" : String(value));

  // --- theme -------------------------------------------------------------------------------------------------------
  const button = document.getElementById("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const told = () => button.setAttribute("aria-pressed", String(isDark()));
  if (remembered()) document.documentElement.dataset.theme = remembered();
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* a page opened from a file may have no storage */ }
    told();
  });
  system.addEventListener("change", told);
  told();

  // --- sorting -----------------------------------------------------------------------------------------------------
  const keyOf = (row, place) => {
    const cell = row.cells[place], text = "sort" in cell.dataset ? cell.dataset.sort : cell.textContent.trim();
    return text === "" ? null : isNaN(text) ? text : Number(text);
  };
  const compared = (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? Infinity : -Infinity; // nothing goes last, always
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  };
  for (const sorter of document.querySelectorAll("button.sort")) {
    sorter.addEventListener("click", () => {
      const head = sorter.closest("th"), body = head.closest("table").tBodies[0];
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [keyOf(row, head.cellIndex), row]);
      rows.sort(([a], [b]) => { const order = compared(a, b); return Number.isFinite(order) ? sign * order : order; });
      body.append(...rows.map(([, row]) => row));
    });
  }

  // --- the ledger's filter -----------------------------------------------------------------------------------------
  const filter = document.getElementById("filter"), runs = document.getElementById("runs").tBodies[0];
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of runs.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    document.getElementById("count").textContent = wanted ? `${shown} of ${runs.rows.length}` : "";
  });

  // --- receipts ----------------------------------------------------------------------------------------------------
  const line = (list, name, value) => {
    const texts = [].concat(value).filter((text) => text !== "" && text !== null && text !== undefined).map(String);
    if (!texts.length) return;
    const shown = element("dd");
    texts.forEach((text, place) => {
      if (place) shown.append(" ");
      const code = element("code", short(text));
      code.title = text;
      shown.append(code);
    });
    list.append(element("dt", name), shown);
  };
  const command = (text) => {
    const box = element("div", null, "command"), copy = element("button", "copy");
    copy.type = "button";
    copy.addEventListener("click", () => {
      const done = () => { copy.textContent = "copied"; };
      const marked = () => getSelection().selectAllChildren(box.firstChild);
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, marked); else marked();
    });
    box.append(element("code", text), copy);
    return box;
  };
  const toRun = (id) => {
    const link = element("a", id);
    link.href = "#run-" + id;
    return link;
  };
  const runList = (ids, valueOf, hashesOf) => {
    const list = element("ol", null, "runs");
    for (const id of ids) {
      const item = element("li"), run = data.runs[id], head = element("p");
      head.append(element("span", run ? `seed ${run.seed}` : ""), element("b", valueOf(id, run)));
      item.append(head, toRun(id));
      for (const [name, hash] of hashesOf(id)) {
        const small = element("small", `${name} ${short(hash)}`);
        small.title = hash;
        item.append(small);
      }
      list.append(item);
    }
    return list;
  };

  const ofNumber = (key, source) => {
    const number = data.numbers[key], receipt = data.receipts[number.receipt], note = source && source.dataset.note;
    const parts = [element("p", note ? source.textContent : number.text, "total")];
    if (!note && number.value !== null && String(number.value) !== number.text.replace("\u2212", "-")) parts.push(element("p", `= ${number.value}`, "exact"));
    parts.push(element("p", note || number.meaning, "meaning"));
    const facts = element("dl");
    line(facts, "seeds", receipt.seeds);
    line(facts, "split", receipt.split);
    line(facts, "commit", receipt.commits);
    line(facts, "data", [receipt.data_version, receipt.data]);
    line(facts, "split manifest", receipt.split_hash);
    line(facts, "harness", receipt.harness);
    parts.push(facts, element("h3", receipt.runs.length === 1 ? "1 run" : `${receipt.runs.length} runs`));
    const weights = Object.fromEntries(receipt.checkpoints.map((text) => text.split(": ")));
    const value = (id, run) => { const seed = run && (number.points[id] ?? number.points[run.seed]); return note || seed === undefined ? "" : full(seed); };
    const hashes = (id) => [["weights", weights[id]], ["predictions", receipt.predictions[id]]].filter(([, hash]) => hash);
    parts.push(runList(receipt.runs, value, hashes), element("h3", "chosen as"), element("p", receipt.query, "meaning"));
    parts.push(element("h3", "make it again"), command(receipt.command), command(`receipts rerun ${key}`));
    return [key, parts];
  };
  const ofRun = (id, source) => {
    const run = data.runs[id], score = run.scores[source.dataset.split], metric = source.dataset.metric;
    const facts = element("dl");
    line(facts, "experiment", [run.conf, ...run.overrides]);
    line(facts, "seed", run.seed);
    line(facts, "split", `${source.dataset.split}, ${score.n} samples`);
    line(facts, "commit", run.commit);
    line(facts, "identity", run.identity);
    line(facts, "data", [run.data_version, run.data]);
    line(facts, "harness", run.harness);
    line(facts, "weights", run.weights);
    line(facts, "predictions", score.sha256);
    line(facts, "device", run.device);
    line(facts, "started", run.started);
    return [id, [
      element("p", source.textContent, "total"),
      element("p", `= ${full(score.metrics[metric])}`, "exact"),
      element("p", `${metric} of this run on ${source.dataset.split}`, "meaning"),
      facts, element("h3", "make it again"), command(run.command),
    ]];
  };
  const ofFigure = (name) => {
    const figure = data.figures[name], facts = element("dl");
    line(facts, "seeds", figure.seeds);
    line(facts, "split", figure.split);
    line(facts, "commit", figure.commits);
    line(facts, "data", figure.data);
    line(facts, "harness", figure.harness);
    line(facts, "csv", figure.csv_sha256);
    const inputs = Object.entries(figure.inputs);
    const hashes = (id) => inputs.filter(([file]) => file.startsWith(id + "/")).map(([file, hash]) => [file.slice(id.length + 1), hash]);
    return [name, [
      element("p", figure.title, "meaning"), facts,
      element("h3", figure.runs.length === 1 ? "1 run" : `${figure.runs.length} runs`),
      runList(figure.runs, () => "", hashes), element("h3", "make it again"), command(figure.command),
    ]];
  };
  const receiptOf = (source) => {
    const { key, run, figure } = source.dataset;
    return run ? ofRun(run, source) : figure ? ofFigure(figure) : ofNumber(key, source);
  };

  const open = ([title, parts]) => {
    clearTimeout(waiting);
    hush();
    document.getElementById("slip-title").textContent = title;
    document.getElementById("slip-body").replaceChildren(...parts);
    slip.hidden = false;
    slip.scrollTop = 0;
    slip.focus({ preventScroll: true });
  };
  const close = () => {
    if (slip.hidden) return;
    slip.hidden = true;
    for (const other of document.querySelectorAll(".num.open")) other.classList.remove("open");
    if (opener) opener.focus({ preventScroll: true });
    opener = null;
  };
  document.getElementById("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); hush(); } });
  document.addEventListener("click", (event) => {
    const source = event.target.closest(".num");
    if (source) {
      event.preventDefault(); // a number inside a <summary> opens its receipt, not the fold
      for (const other of document.querySelectorAll(".num.open")) other.classList.remove("open");
      source.classList.add("open");
      opener = source;
      open(receiptOf(source));
    } else if (!event.target.closest("#slip")) close();
  });
  slip.addEventListener("click", (event) => { if (event.target.closest("a")) { opener = null; close(); } });

  // --- a glance: what a number means, before it is clicked ------------------------------------------------------------
  const glance = (source) => {
    const { key, note, run, figure, metric } = source.dataset;
    if (figure) return "Opens the receipt of this figure";
    if (run) return `${metric} of ${run}`;
    const number = data.numbers[key], receipt = data.receipts[number.receipt];
    const commits = receipt.commits.map((text) => text.slice(0, 7)).join(", ");
    return `${note || number.meaning} · ${receipt.runs.length} ${receipt.runs.length === 1 ? "run" : "runs"} · commit ${commits}`;
  };
  const hush = () => { tip.hidden = true; };
  const show = (source) => {
    tip.textContent = glance(source);
    tip.hidden = false;
    const place = source.getBoundingClientRect(), box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, place.left + place.width / 2 - box.width / 2), innerWidth - box.width - 8);
    const above = place.top - box.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : place.bottom + 8}px`;
  };
  document.addEventListener("mouseover", (event) => {
    clearTimeout(waiting);
    const source = event.target.closest(".num");
    if (source) waiting = setTimeout(show, 150, source); else hush();
  });
  document.addEventListener("focusin", (event) => { if (event.target.matches(".num:focus-visible")) show(event.target); else hush(); });
  addEventListener("scroll", hush, { passive: true });

  // --- addresses: index.html#main.baseline.accuracy opens that receipt; a link to a run clears the filter --------------
  const arrive = () => {
    const key = decodeURIComponent(location.hash.slice(1));
    if (Object.hasOwn(data.numbers, key)) open(ofNumber(key, null));
    const row = document.getElementById(key);
    if (row && row.hidden) { filter.value = ""; filter.dispatchEvent(new Event("input")); row.scrollIntoView(); }
    if (row && row.matches("details")) row.open = true;
  };
  addEventListener("hashchange", arrive);
  arrive();

  // --- print: folds are opened for paper ----------------------------------------------------------------------------
  addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details.method, figcaption details")) fold.open = true; });
})();
