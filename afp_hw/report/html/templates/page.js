"use strict";
{
  const { config, datasets, charts } = JSON.parse(document.getElementById("page-data").textContent);

  // A chart takes its width from its place, and a hidden place has none: it is drawn when shown.
  const draw = async (place) => {
    if (place.dataset.drawn || place.closest("[hidden]")) return;
    place.dataset.drawn = "true";
    const { spec, data } = charts[place.dataset.chart];
    const shared = Object.fromEntries(data.map((name) => [name, datasets[name]]));
    await vegaEmbed(place, { ...spec, datasets: { ...spec.datasets, ...shared } }, {
      renderer: "svg",
      actions: false,
      defaultStyle: false,
      config,
      tooltip: { disableDefaultStyle: true },
    });
  };
  const drawAll = (root) => Promise.all([...root.querySelectorAll("[data-chart]")].map(draw));

  for (const choice of document.querySelectorAll(".choice")) {
    const panels = choice.querySelectorAll(":scope > .panel");
    choice.querySelector("select").addEventListener("change", (event) => {
      panels.forEach((panel, index) => { panel.hidden = index !== Number(event.target.value); });
      drawAll(choice);
    });
  }

  const collator = new Intl.Collator("en", { numeric: true });
  const value = (row, index) => {
    const cell = row.cells[index];
    if (!("value" in cell.dataset)) return cell.textContent === "–" ? null : cell.textContent;
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));

  // The first click on a heading sorts upwards, the next one downwards; what is missing stays last.
  const sort = (heading) => {
    const table = heading.closest("table");
    const index = heading.cellIndex;
    const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, index), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return direction * compare(a, b);
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };
  for (const heading of document.querySelectorAll("table.sortable th")) {
    heading.querySelector("button").addEventListener("click", () => sort(heading));
  }

  drawAll(document).then(() => { document.documentElement.dataset.ready = "true"; });
}
