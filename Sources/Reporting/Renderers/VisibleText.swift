/// Text from data sets and command lines as people may see it: nothing in it steers a terminal, hides, or turns the order of
/// what follows. The formats for people use it; CSV and JSON keep every character.
enum VisibleText {
    /// Characters of a cell that terminal, Markdown and LaTeX show; the number of those left out stands in their place.
    static let cellLimit = 200

    /// Control and line-separating characters, and the marks that set the direction of what follows, become U+FFFD.
    ///
    /// - Parameter keepsLines: line feeds and tabs stay.
    static func of(_ text: String, keepsLines: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: steers) else { return text }
        var visible = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let stays = !steers(scalar) || keepsLines && (scalar == "\n" || scalar == "\t")
            visible.append(stays ? scalar : "\u{FFFD}")
        }
        return String(visible)
    }

    /// Whether a character has an effect and no look of its own. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
    static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F: true
        // Direction: Arabic letter mark, marks, embeddings and overrides, isolates.
        case 0x61C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x206F: true
        // Zero-width space, line and paragraph separators, byte-order mark, annotation anchors, noncharacters, tags.
        case 0x200B, 0x2028, 0x2029, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value)
        }
    }

    /// The beginning of a long text, and how long it is.
    static func shortened(_ text: String, to limit: Int = cellLimit) -> String {
        let scalars = text.unicodeScalars
        guard scalars.count > limit else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(limit))) + "… (\(scalars.count) characters)"
    }

    /// Whether a letter is written from right to left: Hebrew, Arabic, Syriac, Thaana, NKo and their neighbours.
    static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x590...0x8FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFC, 0x10800...0x10FFF, 0x1E800...0x1EFFF: true
        default: false
        }
    }

    /// Columns of a terminal that a text takes: none for marks that stand on a letter, two for East Asian letters and emoji.
    static func columns(_ text: String) -> Int {
        var count = 0
        for character in text {
            guard let scalar = character.unicodeScalars.first else { continue }
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: continue
            default: count += isWide(scalar) ? 2 : 1
            }
        }
        return count
    }

    /// The wide and full-width letters.
    ///
    /// - Source: Unicode Standard Annex 11, ranges joined where only unassigned places lie between.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
