import Determinism
import Foundation

/// The script of HTML reports: a click on a column's title sorts the table by it, a second click the other way round.
///
/// A page is whole without it: titles become buttons only when it runs. Numbers sort by their full value (`data-value`), cells
/// without one come last, equal ones keep their order.
enum HTMLScript {
    static let text: StaticString = """

        for (const table of document.querySelectorAll("table")) {
          const body = table.tBodies[0], rows = [...body.rows];
          if (rows.length < 2) continue;
          [...table.tHead.rows[0].cells].forEach((head, column) => {
            const key = row => {
              const cell = row.cells[column];
              return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
            };
            const isNumber = rows.some(row => typeof key(row) === "number");
            const button = document.createElement("button");
            button.type = "button";
            button.append(...head.childNodes);
            head.append(button);
            button.addEventListener("click", () => {
              const before = head.getAttribute("aria-sort");
              const first = head.dataset.first || "ascending";
              const other = first === "ascending" ? "descending" : "ascending";
              const order = before === first ? other : first;
              for (const cell of head.parentNode.cells) cell.removeAttribute("aria-sort");
              head.setAttribute("aria-sort", order);
              const sign = order === "ascending" ? 1 : -1;
              const sorted = rows.slice().sort((a, b) => {
                const [x, y] = [key(a), key(b)];
                if (!isNumber) return sign * x.localeCompare(y, undefined, { numeric: true });
                if (typeof x !== "number" || typeof y !== "number") return (typeof y === "number") - (typeof x === "number");
                return sign * (x - y);
              });
              body.append(...sorted);
            });
          });
        }

        """

    /// The hash that lets a page's policy run this script and no other.
    static let policy: String = {
        var hash = SHA256()
        hash.update(text.description)
        let digits = Array(hash.hex())
        let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0..<$0 + 2]), radix: 16)! }
        return "'sha256-\(Data(bytes).base64EncodedString())'"
    }()
}
