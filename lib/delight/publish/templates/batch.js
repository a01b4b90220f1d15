const table = document.getElementById("reports"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
const value = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent.trim();

function compare(a, b, numeric) {
  if ((a === "") !== (b === "")) return numeric ? (a === "" ? 1 : -1) : (a === "" ? -1 : 1);
  return numeric ? a - b : collator.compare(a, b);
}

heads.forEach((head, i) => head.querySelector("button")?.addEventListener("click", () => {
  const down = head.getAttribute("aria-sort") === "ascending", numeric = head.classList.contains("number");
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...body.rows].sort((a, b) => {
    const x = value(a, i), y = value(b, i), order = compare(x, y, numeric);
    return numeric && (x === "" || y === "") ? order : down ? -order : order;
  });
  body.append(...rows);
}));

// Letters without their marks, and those that are no letter with a mark: "lodz" finds "Łódź", "naestved" finds "Næstved".
const own = { ł: "l", ø: "o", æ: "ae", œ: "oe", ß: "ss", đ: "d", ð: "d", ı: "i" };
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[łøæœßđðı]/g, (letter) => own[letter]);

document.getElementById("filter").addEventListener("input", (event) => {
  const words = plain(event.target.value).split(/\s+/).filter(Boolean);
  for (const row of body.rows) row.hidden = !words.every((word) => plain(row.textContent).includes(word));
});
