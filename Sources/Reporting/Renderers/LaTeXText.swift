import Foundation

/// Text as LaTeX shows it: no character of it is a command.
enum LaTeXText {
    /// - Parameter isNumber: a leading hyphen is a minus.
    static func of(_ text: String, isNumber: Bool = false) -> String {
        var result = ""
        var unknown: [Unicode.Scalar] = []
        func flush() {
            if unknown.isEmpty { return }
            result += "\\texttt{" + unknown.map(codePoint).joined(separator: " ") + "}"
            unknown = []
        }
        // Composed, so that a letter and its mark are one character. Works on scalars, lest a mark hides a backslash.
        let scalars = Array(VisibleText.of(text).precomposedStringWithCanonicalMapping.unicodeScalars)
        for (place, scalar) in scalars.enumerated() {
            let next = place + 1 < scalars.count ? scalars[place + 1] : nil
            if isNumber, place == 0, scalar == "-" {
                result += "$-$"
            } else if let command = commands[scalar] ?? accented(scalar) {
                flush()
                result += command
            } else if (0x20..<0x7F).contains(scalar.value) {
                flush()
                result.unicodeScalars.append(scalar)
                // Two of these would become another character.
                if scalar == next, "-',".unicodeScalars.contains(scalar) { result += "{}" }
            } else {
                unknown.append(scalar)
            }
        }
        flush()
        return result
    }

    private static func codePoint(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// A letter of the Latin alphabet with one mark, by the mark's command.
    private static func accented(_ scalar: Unicode.Scalar) -> String? {
        guard scalar.value >= 0xC0 else { return nil }
        let parts = Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
        guard parts.count == 2, let accent = accents[parts[1]] else { return nil }
        guard ("A"..."Z").contains(parts[0]) || ("a"..."z").contains(parts[0]) else { return nil }
        return "\\\(accent){\(dotless[parts[0]] ?? String(parts[0]))}"
    }

    private static let dotless: [Unicode.Scalar: String] = ["i": "\\i", "j": "\\j"]

    /// Commands of combining marks that every font encoding has.
    private static let accents: [Unicode.Scalar: String] = [
        "\u{300}": "`", "\u{301}": "'", "\u{302}": "^", "\u{303}": "~", "\u{304}": "=", "\u{306}": "u", "\u{307}": ".",
        "\u{308}": "\"", "\u{30A}": "r", "\u{30B}": "H", "\u{30C}": "v", "\u{323}": "d", "\u{327}": "c", "\u{331}": "b",
    ]

    private static let commands: [Unicode.Scalar: String] = [
        "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
        "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}",
        "|": "\\textbar{}", "`": "\\`{}", "\"": "''{}",
        "\u{FFFD}": "$\\diamond$", "\u{A0}": "~", "±": "$\\pm$", "×": "$\\times$", "·": "$\\cdot$", "°": "$^\\circ$",
        "²": "$^2$", "³": "$^3$", "µ": "$\\mu$", "μ": "$\\mu$", "σ": "$\\sigma$", "Δ": "$\\Delta$", "√": "$\\surd$",
        "−": "$-$", "–": "--{}", "—": "---{}", "…": "\\ldots{}", "‘": "`{}", "’": "'{}", "“": "``{}", "”": "''{}",
        "†": "$\\dagger$", "‡": "$\\ddagger$", "§": "\\S{}", "•": "$\\bullet$",
        "↑": "$\\uparrow$", "↓": "$\\downarrow$", "→": "$\\rightarrow$", "←": "$\\leftarrow$", "≤": "$\\leq$",
        "≥": "$\\geq$", "≈": "$\\approx$", "≠": "$\\neq$", "∞": "$\\infty$",
        "ß": "\\ss{}", "æ": "\\ae{}", "Æ": "\\AE{}", "œ": "\\oe{}", "Œ": "\\OE{}", "ø": "\\o{}", "Ø": "\\O{}",
        "ł": "\\l{}", "Ł": "\\L{}", "ı": "\\i{}", "¿": "?{}`", "¡": "!{}`", "©": "\\copyright{}",
    ]
}
