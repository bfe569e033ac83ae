// Filters and sorts the table of streams, and opens what is asked for. The page is whole without it.
(function () {
  "use strict";
  var box = document.getElementById("filter");
  var table = document.getElementById("table");
  var matches = document.getElementById("matches");
  var sections = Array.prototype.slice.call(document.querySelectorAll("details.stream"));

  function open(hash) {
    if (!/^#stream-\d+$/.test(hash)) { return; }
    var section = document.getElementById(hash.slice(1));
    if (section) { section.hidden = false; section.open = true; section.scrollIntoView(); }
  }
  window.addEventListener("hashchange", function () { open(location.hash); });
  document.addEventListener("click", function (event) {
    var link = event.target.closest ? event.target.closest("a[href^='#stream-']") : null;
    if (link) { open(link.getAttribute("href")); }
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
  open(location.hash);
  if (!table) { return; }

  var body = table.tBodies[0];
  var rows = Array.prototype.slice.call(body.rows);
  if (box && rows.length > 5) {
    box.parentNode.hidden = false;
    box.addEventListener("input", function () {
      var wanted = box.value.trim().toLowerCase();
      var shown = 0;
      var keep = function (each) { return each.dataset.name.toLowerCase().indexOf(wanted) >= 0; };
      rows.forEach(function (row) { row.hidden = !keep(row); shown += row.hidden ? 0 : 1; });
      sections.forEach(function (section) { section.hidden = !keep(section); });
      matches.textContent = wanted ? shown + " of " + rows.length : "";
    });
  }

  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, at) {
    if (head.tagName !== "TH" || head.className === "still" || rows.length < 2) { return; }
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var numbers = head.classList.contains("n");
      var down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : numbers;
      table.querySelectorAll("[aria-sort]").forEach(function (each) { each.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var value = function (row) {
        return numbers ? Number(row.cells[at].dataset.v) : row.dataset.name;
      };
      rows.sort(function (a, b) {
        var x = value(a), y = value(b);
        var order = numbers ? x - y : x.localeCompare(y, "en");
        return down ? -order : order;
      });
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
})();
